import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Random } from '@hasp/core';
import { decodeBucket, type Entry, encodeBucket } from './bucket.ts';
import { bytesOf, type Database } from './database.ts';
import { frame, pad, unpad } from './encoding.ts';
import { nodeCipher, SALT_BYTES, seal, unseal } from './envelope.ts';
import { corrupt } from './failures.ts';
import type { Keys } from './keys.ts';
import { dropSheaf } from './sheaf.ts';

/** What an entry describes; a name may have one of each. */
export type EntryKind = 'secret' | 'consent' | 'agent' | 'scopes';

export const KIND_NUMBER = { secret: 1, consent: 2, agent: 3, scopes: 4 } as const;
const BUCKETS = 256;
/** Of a bucket's salt, kept in the summary: random, new at every change, and all its content hangs on it. */
const STAMP_BYTES = 16;
const EMPTY = Buffer.alloc(STAMP_BYTES);
const MAC_BYTES = 32;

/** Of what is found so. */
type Removal = Pick<Entry, 'lookup'>;

/**
 * Small texts, found by a keyed hash of their name. They lie in 256 buckets by the first byte of that hash,
 * each sealed as one; the summary holds the stamp of every bucket under one MAC. So without the key no entry
 * can be changed, removed, added or put back to how it was, short of putting the whole vault back, and what
 * is not found is known to be absent. One look opens a 256th of what there is.
 */
export class Entries {
  readonly #database: Database;
  readonly #keys: Keys;
  /** The last stamps that were verified. */
  #known: Buffer | undefined;

  constructor(database: Database, keys: Keys) {
    this.#database = database;
    this.#keys = keys;
  }

  /** For a vault that has no entry yet. */
  initialize(): void {
    const stamps = Buffer.alloc(BUCKETS * STAMP_BYTES);
    this.#database.run('INSERT INTO summary (one, stamps, mac) VALUES (1, ?, ?)', stamps, this.#mac(stamps));
  }

  /** @throws HaspError E_VAULT_CORRUPT. Call within `read` or `transaction`. */
  find(kind: EntryKind, name: string): Buffer | undefined {
    const lookup = this.#lookup(kind, name);
    return this.#open(bucketOf(lookup), this.stamps()).find((one) => one.lookup.equals(lookup))?.text;
  }

  /** Every text of one kind, in no order. @throws HaspError E_VAULT_CORRUPT. Call within `read` or `transaction`. */
  all(kind: EntryKind): Buffer[] {
    return this.everything()
      .filter((entry) => entry.kind === KIND_NUMBER[kind])
      .map(({ text }) => text);
  }

  /** Every one, of kinds that this hasp does not know too. @throws HaspError E_VAULT_CORRUPT. Call within `read` or `transaction`. */
  everything(): Entry[] {
    const stamps = this.stamps();
    return Array.from({ length: BUCKETS }, (_, bucket) => this.#open(bucket, stamps)).flat();
  }

  /**
   * Of every bucket: what all entries hang on, different after any change. Not to be written to.
   * @throws HaspError E_VAULT_CORRUPT. Call within `read` or `transaction`.
   */
  stamps(): Buffer {
    const row = this.#database.row('SELECT stamps, mac FROM summary WHERE one = 1');
    const stamps = bytesOf(row, 'stamps', BUCKETS * STAMP_BYTES);
    if (this.#known?.equals(stamps)) return this.#known;
    if (!timingSafeEqual(bytesOf(row, 'mac', MAC_BYTES), this.#mac(stamps))) {
      throw corrupt('its summary does not belong to it');
    }
    this.#known = stamps;
    return stamps;
  }

  /** Each with its own lookup. Call within `transaction`. */
  fill(entries: readonly Entry[], random: Random): void {
    this.#change(entries, random);
  }

  /** Adds or replaces. Call within `transaction`. */
  put(kind: EntryKind, name: string, text: Buffer, random: Random): void {
    this.putMany(kind, [[name, text]], random);
  }

  /** The same for many, each name once; every bucket is sealed once. */
  putMany(kind: EntryKind, texts: readonly (readonly [name: string, text: Buffer])[], random: Random): void {
    this.#change(
      texts.map(([name, text]) => ({ lookup: this.#lookup(kind, name), kind: KIND_NUMBER[kind], text })),
      random,
    );
  }

  /** Call within `transaction`. */
  remove(kind: EntryKind, name: string, random: Random): void {
    this.#change([{ lookup: this.#lookup(kind, name) }], random);
  }

  #change(changes: readonly (Entry | Removal)[], random: Random): void {
    const stamps = Buffer.from(this.stamps());
    const byBucket = new Map<number, (Entry | Removal)[]>();
    for (const one of changes) {
      const bucket = bucketOf(one.lookup);
      byBucket.get(bucket)?.push(one) ?? byBucket.set(bucket, [one]);
    }
    for (const [bucket, here] of byBucket) {
      const kept = this.#open(bucket, stamps).filter((one) => !here.some(({ lookup }) => lookup.equals(one.lookup)));
      const entries = [...kept, ...here.filter((one) => 'text' in one)];
      this.#store(bucket, entries, random).copy(stamps, bucket * STAMP_BYTES);
    }
    this.#database.run('UPDATE summary SET stamps = ?, mac = ?', stamps, this.#mac(stamps));
    dropSheaf(this.#database);
  }

  /** Returns the new stamp. */
  #store(bucket: number, entries: readonly Entry[], random: Random): Buffer {
    if (entries.length === 0) {
      this.#database.run('DELETE FROM buckets WHERE bucket = ?', bucket);
      return EMPTY;
    }
    const text = pad(encodeBucket(entries));
    const sealed = seal(nodeCipher, this.#keys.for('entries'), random(SALT_BYTES), this.#context(bucket), text);
    this.#database.run('INSERT OR REPLACE INTO buckets (bucket, sealed) VALUES (?, ?)', bucket, sealed);
    return stampOf(sealed);
  }

  #open(bucket: number, stamps: Buffer): Entry[] {
    const stamp = stamps.subarray(bucket * STAMP_BYTES, (bucket + 1) * STAMP_BYTES);
    if (stamp.equals(EMPTY)) return [];
    const sealed = bytesOf(this.#database.row('SELECT sealed FROM buckets WHERE bucket = ?', bucket), 'sealed');
    if (!stampOf(sealed).equals(stamp)) throw corrupt('entries were changed or put back');
    const padded = unseal(this.#keys.for('entries'), sealed, this.#context(bucket));
    const text = padded && unpad(padded);
    if (text) return decodeBucket(text);
    throw corrupt('entries do not open');
  }

  #lookup(kind: EntryKind, name: string): Buffer {
    return createHmac('sha256', this.#keys.for('lookup'))
      .update(frame('hasp vault 1 lookup', kind, name))
      .digest();
  }

  #context(bucket: number): Buffer {
    return frame('hasp vault 1 bucket', this.#keys.vaultId, bucket);
  }

  #mac(stamps: Buffer): Buffer {
    const message = frame('hasp vault 1 summary', this.#keys.vaultId, stamps);
    return createHmac('sha256', this.#keys.for('summary')).update(message).digest();
  }
}

function bucketOf(lookup: Buffer): number {
  return lookup.readUInt8(0);
}

function stampOf(sealed: Buffer): Buffer {
  return sealed.subarray(0, STAMP_BYTES);
}
