import type { Random } from '@hasp/core';
import { bytesOf, type Database } from './database.ts';
import { frame, pad, unpad } from './encoding.ts';
import { type Cipher, SALT_BYTES, seal, unseal } from './envelope.ts';
import { corrupt } from './failures.ts';
import type { Head } from './head.ts';
import type { Keys } from './keys.ts';

/** The sealed values, one row a version. */
export class Versions {
  readonly #database: Database;
  readonly #keys: Keys;

  constructor(database: Database, keys: Keys) {
    this.#database = database;
    this.#keys = keys;
  }

  /** The value in memory of its own. @throws HaspError E_VAULT_CORRUPT */
  read(head: Head, version: number): Buffer {
    return this.open(head, version, this.sealed(head, version));
  }

  /** As it stands in its row. @throws HaspError E_VAULT_CORRUPT */
  sealed(head: Head, version: number): Buffer {
    const sql = 'SELECT sealed FROM versions WHERE secret = ? AND version = ?';
    const row = this.#database.row(sql, head.secretId, version);
    if (!row) throw corrupt(`a version of ${head.name} is gone`);
    return bytesOf(row, 'sealed');
  }

  /** What `sealed` gave, opened. @throws HaspError E_VAULT_CORRUPT */
  open(head: Head, version: number, sealed: Buffer): Buffer {
    const padded = unseal(this.#keys.for('values'), sealed, this.#context(head, version));
    const value = padded && unpad(padded);
    if (value) return value;
    throw corrupt(`a version of ${head.name} does not open`);
  }

  add(head: Head, version: number, value: Uint8Array, cipher: Cipher, random: Random): void {
    const padded = pad(value);
    try {
      const sealed = seal(cipher, this.#keys.for('values'), random(SALT_BYTES), this.#context(head, version), padded);
      this.put(head.secretId, version, sealed);
    } finally {
      padded.fill(0);
    }
  }

  /** A row as `sealed` gave it. */
  put(secretId: Buffer, version: number, sealed: Buffer): void {
    const sql = 'INSERT INTO versions (secret, version, sealed) VALUES (?, ?, ?)';
    this.#database.run(sql, secretId, version, sealed);
  }

  remove(head: Head, version: number): void {
    this.#database.run('DELETE FROM versions WHERE secret = ? AND version = ?', head.secretId, version);
  }

  #context(head: Head, version: number): Buffer {
    return valueContext(this.#keys.vaultId, head, version);
  }
}

/** What a value is bound to: its vault, its secret's name and life, its version, and that it is a value. */
export function valueContext(vaultId: Uint8Array, head: Pick<Head, 'name' | 'secretId'>, version: number): Buffer {
  return frame('hasp vault 1 value', vaultId, head.secretId, head.name, version);
}
