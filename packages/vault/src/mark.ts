import { createHmac, timingSafeEqual } from 'node:crypto';
import { type AuditMark, BROKEN_LOG_HINT, HaspError } from '@hasp/core';
import { bytesOf, type Database, numberOf } from './database.ts';
import { frame } from './encoding.ts';
import { corrupt } from './failures.ts';
import type { Keys } from './keys.ts';

const CHAIN_BYTES = 16;
const MAC_BYTES = 32;
const INSERT = 'INSERT INTO mark (one, chain, seq, record_mac, mac) VALUES (1, ?, ?, ?, ?)';
const UPDATE = 'UPDATE mark SET chain = ?, seq = ?, record_mac = ?, mac = ?';

/** How far the audit log is known to go; seq 0 before the first record. One row, always there. */
export class MarkRow {
  readonly #database: Database;
  readonly #keys: Keys;

  constructor(database: Database, keys: Keys) {
    this.#database = database;
    this.#keys = keys;
  }

  initialize(chain: Buffer): void {
    const none = Buffer.alloc(MAC_BYTES);
    this.#database.run(INSERT, chain, 0, none, this.#mac(chain, 0, none));
  }

  /** @throws HaspError E_VAULT_CORRUPT if it is gone or fails its MAC. */
  read(): AuditMark {
    const row = this.#database.row('SELECT chain, seq, record_mac, mac FROM mark WHERE one = 1');
    const chain = bytesOf(row, 'chain', CHAIN_BYTES);
    const seq = numberOf(row, 'seq');
    const recordMac = bytesOf(row, 'record_mac', MAC_BYTES);
    if (!timingSafeEqual(bytesOf(row, 'mac', MAC_BYTES), this.#mac(chain, seq, recordMac))) {
      throw corrupt('its audit mark does not belong to it');
    }
    return { chain: chain.toString('hex'), seq, mac: recordMac.toString('hex') };
  }

  /**
   * Moves the mark forward; one that is not newer is left aside, since runs end in any order. Call within
   * `transaction`. @throws HaspError E_CHAIN_BROKEN for another chain, or another record of the same number.
   */
  advance(mark: AuditMark): void {
    const present = this.read();
    if (mark.chain !== present.chain) throw chainBroken('the audit log is of another chain than the vault knows');
    if (mark.seq === present.seq && mark.mac !== present.mac) throw chainBroken('the audit log has forked');
    if (mark.seq <= present.seq) return;
    this.restart(mark);
  }

  /** Puts the mark anywhere, of any chain: for who begins a new one. Call within `transaction`. */
  restart(mark: AuditMark): void {
    const chain = Buffer.from(mark.chain, 'hex');
    const recordMac = Buffer.from(mark.mac, 'hex');
    if (chain.length !== CHAIN_BYTES || recordMac.length !== MAC_BYTES) throw new Error('not a mark');
    this.#database.run(UPDATE, chain, mark.seq, recordMac, this.#mac(chain, mark.seq, recordMac));
  }

  #mac(chain: Buffer, seq: number, recordMac: Buffer): Buffer {
    const message = frame('hasp vault 1 mark', this.#keys.vaultId, chain, seq, recordMac);
    return createHmac('sha256', this.#keys.for('mark')).update(message).digest();
  }
}

function chainBroken(message: string): HaspError {
  return new HaspError('E_CHAIN_BROKEN', message, BROKEN_LOG_HINT);
}
