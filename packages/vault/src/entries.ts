import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Random } from '@hasp/core';
import { bytesOf, type Database, numberOf, type Row } from './database.ts';
import { frame, uint32 } from './encoding.ts';
import { nodeCipher, SALT_BYTES, seal, unseal } from './envelope.ts';
import { corrupt } from './failures.ts';
import type { Keys } from './keys.ts';

/** What an entry describes; part of its lookup and of what it is sealed with. */
export type EntryKind = 'secret' | 'consent';

const KIND_NUMBER = { secret: 1, consent: 2 } as const;
const BUCKETS = 256;
const DIGEST_BYTES = 32;
const NO_DIGEST = Buffer.alloc(DIGEST_BYTES);

interface StoredEntry {
  readonly lookup: Buffer;
  readonly kind: number;
  readonly sealed: Buffer;
}

/**
 * Small sealed texts, each found by a keyed hash of its name. They are in 256 buckets by the first byte of
 * that hash; the summary holds the SHA-256 of every bucket under one MAC. So without the key no entry can be
 * changed, removed, added or put back as it was, short of putting the whole vault back, and what is not
 * found is known to be absent. One look reads a 256th of the entries and 8 KiB.
 */
export class Entries {
  readonly #database: Database;
  readonly #keys: Keys;

  constructor(database: Database, keys: Keys) {
    this.#database = database;
    this.#keys = keys;
  }

  /** For a vault that has no entry yet. */
  initialize(): void {
    const digests = Buffer.alloc(BUCKETS * DIGEST_BYTES);
    this.#database.run('INSERT INTO summary (one, digests, mac) VALUES (1, ?, ?)', digests, this.#mac(digests));
  }

  /** The opened text. @throws HaspError E_VAULT_CORRUPT. Call within `read` or `transaction`. */
  find(kind: EntryKind, name: string): Buffer | undefined {
    const lookup = this.#lookup(kind, name);
    const entry = this.#bucket(lookup[0] ?? 0, this.#digests()).find((one) => one.lookup.equals(lookup));
    return entry && this.#open(kind, entry);
  }

  /** Every text of one kind, in no order. @throws HaspError E_VAULT_CORRUPT. Call within `read` or `transaction`. */
  all(kind: EntryKind): Buffer[] {
    const digests = this.#digests();
    const entries = Array.from({ length: BUCKETS }, (_, index) => this.#bucket(index, digests)).flat();
    return entries.filter((entry) => entry.kind === KIND_NUMBER[kind]).map((entry) => this.#open(kind, entry));
  }

  /** Adds or replaces. Call within `transaction`. */
  put(kind: EntryKind, name: string, text: Uint8Array, random: Random): void {
    const lookup = this.#lookup(kind, name);
    const sealed = seal(nodeCipher, this.#keys.for('entries'), random(SALT_BYTES), this.#context(kind, lookup), text);
    this.#change(lookup, () => {
      const sql = 'INSERT OR REPLACE INTO entries (lookup, kind, sealed) VALUES (?, ?, ?)';
      this.#database.run(sql, lookup, KIND_NUMBER[kind], sealed);
    });
  }

  /** Call within `transaction`. */
  remove(kind: EntryKind, name: string): void {
    const lookup = this.#lookup(kind, name);
    this.#change(lookup, () => this.#database.run('DELETE FROM entries WHERE lookup = ?', lookup));
  }

  #change(lookup: Buffer, deed: () => void): void {
    const index = lookup[0] ?? 0;
    const digests = this.#digests();
    this.#bucket(index, digests);
    deed();
    digestOf(this.#stored(index)).copy(digests, index * DIGEST_BYTES);
    this.#database.run('UPDATE summary SET digests = ?, mac = ?', digests, this.#mac(digests));
  }

  #digests(): Buffer {
    const row = this.#database.row('SELECT digests, mac FROM summary WHERE one = 1');
    const digests = bytesOf(row, 'digests', BUCKETS * DIGEST_BYTES);
    if (timingSafeEqual(bytesOf(row, 'mac', DIGEST_BYTES), this.#mac(digests))) return digests;
    throw corrupt('its summary does not belong to it');
  }

  #bucket(index: number, digests: Buffer): StoredEntry[] {
    const stored = this.#stored(index);
    const expected = digests.subarray(index * DIGEST_BYTES, (index + 1) * DIGEST_BYTES);
    if (digestOf(stored).equals(expected)) return stored;
    throw corrupt('entries were changed, removed or put back');
  }

  #stored(index: number): StoredEntry[] {
    const low = Buffer.from([index]);
    const high = Buffer.alloc(DIGEST_BYTES + 1, 0xff).fill(index, 0, 1);
    const sql = 'SELECT lookup, kind, sealed FROM entries WHERE lookup BETWEEN ? AND ? ORDER BY lookup';
    return this.#database.rows(sql, low, high).map((row) => ({
      lookup: bytesOf(row, 'lookup', DIGEST_BYTES),
      kind: kindOf(row),
      sealed: bytesOf(row, 'sealed'),
    }));
  }

  #open(kind: EntryKind, entry: StoredEntry): Buffer {
    const text = unseal(this.#keys.for('entries'), entry.sealed, this.#context(kind, entry.lookup));
    if (text && entry.kind === KIND_NUMBER[kind]) return text;
    throw corrupt('an entry does not open');
  }

  #lookup(kind: EntryKind, name: string): Buffer {
    return createHmac('sha256', this.#keys.for('lookup'))
      .update(frame('hasp vault 1 lookup', kind, name))
      .digest();
  }

  #context(kind: EntryKind, lookup: Buffer): Buffer {
    return frame('hasp vault 1 entry', this.#keys.vaultId, kind, lookup);
  }

  #mac(digests: Buffer): Buffer {
    const message = frame('hasp vault 1 summary', this.#keys.vaultId, digests);
    return createHmac('sha256', this.#keys.for('summary')).update(message).digest();
  }
}

function kindOf(row: Row): number {
  const kind = numberOf(row, 'kind');
  if (kind === KIND_NUMBER.secret || kind === KIND_NUMBER.consent) return kind;
  throw corrupt('an entry is of no known kind');
}

/**
 * 32 zero bytes for an empty bucket, else SHA-256 over its entries in order of their lookup: lookup (32) ‖
 * kind (4) ‖ length of sealed (4) ‖ sealed.
 */
function digestOf(entries: readonly StoredEntry[]): Buffer {
  if (entries.length === 0) return NO_DIGEST;
  const parts = entries.flatMap(({ lookup, kind, sealed }) => [lookup, uint32(kind), uint32(sealed.length), sealed]);
  return createHash('sha256').update(Buffer.concat(parts)).digest();
}
