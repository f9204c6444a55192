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

/** Something made of all values, which takes long to make. */
export interface Derivation<T> {
  /** Names what it is and which build of its maker made it: another's is not taken for it. */
  readonly label: string;
  make(values: readonly SheafValue[]): T;
  /** Undefined where it is not worth keeping. */
  pack(made: T): Buffer | undefined;
  /** @param packed may be kept and changed */
  unpack(packed: Buffer): T;
}

/** Where the rows stand: no secret has this id. */
const NO_SECRET = Buffer.alloc(16);
const ROW = { values: 0, derived: 1 } as const;
/** Fewer are opened one by one as quickly. */
const LEAST_VALUES = 32;
/** More are not kept twice. */
const MOST_BYTES = 4 * 1024 * 1024;
const FIXED_BYTES = 2 + 4 + 4;

/**
 * Every value that is looked for once more, sealed together, because one envelope opens in a hundredth of the time of a thousand; and
 * what was made of them all. Both are bound to the stamps of all entries, so they open only while these are what
 * they were then; every change of an entry destroys them (`dropSheaf`), and who next needs them makes new ones.
 */
export class Sheaf {
  readonly #database: Database;
  readonly #keys: Keys;
  readonly #entries: Entries;
  readonly #versions: Versions;
  readonly #random: Random;

  constructor(database: Database, keys: Keys, entries: Entries, versions: Versions, random: Random) {
    this.#database = database;
    this.#keys = keys;
    this.#entries = entries;
    this.#versions = versions;
    this.#random = random;
  }

  /** Every version of every secret but placeholders, as views of one memory or of its own each. @throws HaspError E_VAULT_CORRUPT */
  values(): SheafValue[] {
    const { stamps, kept, values } = this.#database.read(() => this.#read());
    if (!kept && isWorthIt(values)) this.#keepValues(stamps, values);
    return values;
  }

  /** What was made of all values as they are now, or is made now and kept. The values are wiped after. */
  derived<T>({ label, make, pack, unpack }: Derivation<T>): T {
    const found = this.#database.read(() => {
      const packed = this.#open('derived', this.#entries.stamps(), label);
      return packed ?? this.#read();
    });
    if (Buffer.isBuffer(found)) return unpack(found);
    const { stamps, kept, values } = found;
    if (!kept && isWorthIt(values)) this.#keepValues(stamps, values);
    try {
      const made = make(values);
      const packed = pack(made);
      if (packed) this.#keep('derived', stamps, label, packed);
      return made;
    } finally {
      for (const { bytes } of values) bytes.fill(0);
    }
  }

  #read(): { stamps: Buffer; kept: boolean; values: SheafValue[] } {
    const stamps = this.#entries.stamps();
    const text = this.#open('values', stamps);
    return { stamps, kept: text !== undefined, values: text ? decodeSheaf(text) : this.#openEach() };
  }

  #openEach(): SheafValue[] {
    const heads = this.#entries.all('secret').map(decodeHead);
    return heads.flatMap((head) =>
      head.versions
        .filter(({ placeholder }) => !placeholder)
        .map(({ version }) => ({ name: head.name, version, bytes: this.#versions.read(head, version) })),
    );
  }

  #keepValues(stamps: Buffer, values: readonly SheafValue[]): void {
    this.#keep('values', stamps, '', encodeSheaf(values));
  }

  /** Undefined where there is none of these stamps. */
  #open(row: keyof typeof ROW, stamps: Buffer, label = ''): Buffer | undefined {
    const sql = 'SELECT sealed FROM versions WHERE secret = ? AND version = ?';
    const found = this.#database.row(sql, NO_SECRET, ROW[row]);
    const padded =
      found && unseal(this.#keys.for('sheaf'), bytesOf(found, 'sealed'), this.#context(row, stamps, label));
    return padded && unpad(padded);
  }

  /** It saves time and nothing else: where it can't be stored at once, it is not. Wipes `text`. */
  #keep(row: keyof typeof ROW, stamps: Buffer, label: string, text: Buffer): void {
    const padded = pad(text);
    text.fill(0);
    const context = this.#context(row, stamps, label);
    const sealed = seal(nodeCipher, this.#keys.for('sheaf'), this.#random(SALT_BYTES), context, padded);
    padded.fill(0);
    if (this.#database.inTransaction) return;
    this.#database.transactionIfFree(() => {
      // What another process removed meanwhile must not come back.
      if (!this.#entries.stamps().equals(stamps)) return;
      const sql = 'INSERT OR REPLACE INTO versions (secret, version, sealed) VALUES (?, ?, ?)';
      this.#database.run(sql, NO_SECRET, ROW[row], sealed);
    });
  }

  #context(row: keyof typeof ROW, stamps: Buffer, label: string): Buffer {
    return frame('hasp vault 1 sheaf', this.#keys.vaultId, row, label, stamps);
  }
}

/** Call within the transaction that changes an entry. */
export function dropSheaf(database: Database): void {
  database.run('DELETE FROM versions WHERE secret = ?', NO_SECRET);
}

function isWorthIt(values: readonly SheafValue[]): boolean {
  return values.length >= LEAST_VALUES && values.reduce((sum, { bytes }) => sum + bytes.length, 0) <= MOST_BYTES;
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
