import type { Random } from '@hasp/core';
import { bytesOf, type Database } from './database.ts';
import { frame, pad, uint32, unpad } from './encoding.ts';
import type { Entries } from './entries.ts';
import { nodeCipher, SALT_BYTES, seal, unseal } from './envelope.ts';
import { corrupt } from './failures.ts';
import { decodeHead } from './head.ts';
import type { Keys } from './keys.ts';
import type { Versions } from './versions.ts';

/** One version of a secret with its bytes. */
export interface SheafValue {
  readonly name: string;
  readonly version: number;
  readonly bytes: Uint8Array;
}

/** Where the row stands: no secret has this id, and no version this number. */
const NO_SECRET = Buffer.alloc(16);
const NO_VERSION = 0;
/** Fewer are opened one by one as quickly. */
const LEAST_VALUES = 32;
/** More are not kept twice. */
const MOST_BYTES = 4 * 1024 * 1024;
const FIXED_BYTES = 2 + 4 + 4;

/**
 * Every value once more, sealed together: one envelope opens in a hundredth of the time of a thousand. It is
 * bound to the stamps of all entries, so it opens only while they are what they were when it was made; every
 * change of an entry destroys it (`dropSheaf`), and whoever next needs all values makes a new one.
 */
export class Sheaf {
  readonly #database: Database;
  readonly #keys: Keys;

  readonly #entries: Entries;
  readonly #versions: Versions;

  constructor(database: Database, keys: Keys, entries: Entries, versions: Versions) {
    this.#database = database;
    this.#keys = keys;
    this.#entries = entries;
    this.#versions = versions;
  }

  /** Every version of every secret. @throws HaspError E_VAULT_CORRUPT */
  values(random: Random): SheafValue[] {
    const { stamps, kept, values } = this.#database.read(() => {
      const now = this.#entries.stamps();
      const opened = this.#open(now);
      return { stamps: now, kept: opened !== undefined, values: opened ?? this.#openEach() };
    });
    if (!kept && isWorthIt(values)) this.#keep(stamps, values, random);
    return values;
  }

  /** Views of one memory; undefined where there is no sheaf of these stamps. */
  #open(stamps: Buffer): SheafValue[] | undefined {
    const sql = 'SELECT sealed FROM versions WHERE secret = ? AND version = ?';
    const row = this.#database.row(sql, NO_SECRET, NO_VERSION);
    const padded = row && unseal(this.#keys.for('sheaf'), bytesOf(row, 'sealed'), this.#context(stamps));
    const text = padded && unpad(padded);
    return text && decodeSheaf(text);
  }

  #openEach(): SheafValue[] {
    const heads = this.#entries.all('secret').map(decodeHead);
    return heads.flatMap((head) =>
      head.versions.map(({ version }) => ({ name: head.name, version, bytes: this.#versions.read(head, version) })),
    );
  }

  /** It saves time and nothing else: where it can't be stored at once, it is not. */
  #keep(stamps: Buffer, values: readonly SheafValue[], random: Random): void {
    if (this.#database.inTransaction) return;
    const text = encodeSheaf(values);
    const padded = pad(text);
    try {
      const sealed = seal(nodeCipher, this.#keys.for('sheaf'), random(SALT_BYTES), this.#context(stamps), padded);
      this.#database.transactionIfFree(() => {
        // What another process removed meanwhile must not come back.
        if (!this.#entries.stamps().equals(stamps)) return;
        const sql = 'INSERT OR REPLACE INTO versions (secret, version, sealed) VALUES (?, ?, ?)';
        this.#database.run(sql, NO_SECRET, NO_VERSION, sealed);
      });
    } finally {
      text.fill(0);
      padded.fill(0);
    }
  }

  #context(stamps: Buffer): Buffer {
    return frame('hasp vault 1 sheaf', this.#keys.vaultId, stamps);
  }
}

function isWorthIt(values: readonly SheafValue[]): boolean {
  return values.length >= LEAST_VALUES && values.reduce((sum, { bytes }) => sum + bytes.length, 0) <= MOST_BYTES;
}

/** Call within the transaction that changes an entry. */
export function dropSheaf(database: Database): void {
  database.run('DELETE FROM versions WHERE secret = ? AND version = ?', NO_SECRET, NO_VERSION);
}

/** Value after value: length of the name (2 bytes) ‖ name ‖ version (4) ‖ length (4) ‖ bytes; numbers big endian. */
function encodeSheaf(values: readonly SheafValue[]): Buffer {
  return Buffer.concat(
    values.flatMap(({ name, version, bytes }) => {
      const named = Buffer.from(name, 'utf8');
      const length = Buffer.allocUnsafe(2);
      length.writeUInt16BE(named.length);
      return [length, named, uint32(version), uint32(bytes.length), bytes];
    }),
  );
}

function decodeSheaf(text: Buffer): SheafValue[] {
  const values: SheafValue[] = [];
  for (let at = 0; at < text.length; ) {
    if (at + FIXED_BYTES > text.length) throw corrupt('the sheaf is cut short');
    const nameEnd = at + 2 + text.readUInt16BE(at);
    const start = nameEnd + 8;
    if (start > text.length) throw corrupt('the sheaf is cut short');
    const end = start + text.readUInt32BE(nameEnd + 4);
    if (end > text.length) throw corrupt('the sheaf is cut short');
    values.push({
      name: text.toString('utf8', at + 2, nameEnd),
      version: text.readUInt32BE(nameEnd),
      bytes: text.subarray(start, end),
    });
    at = end;
  }
  return values;
}
