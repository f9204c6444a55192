/**
 * The STREAM construction as age uses it (https://c2sp.org/age#payload): chunks of 64 KiB, each sealed with
 * ChaCha20-Poly1305 under one key and the nonce
 *
 *   number of the chunk from 0 (11 bytes, big endian) ‖ 1 for the last chunk, else 0
 *
 * so that chunks can't be left out, moved, repeated or added. Only the last one may be shorter; it is empty
 * only where everything is.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { backupCorrupt } from './failures.ts';

export const CHUNK_BYTES = 65_536;
export const TAG_BYTES = 16;
const ALGORITHM = 'chacha20-poly1305';
const OPTIONS = { authTagLength: TAG_BYTES };

/** Seals what is pushed, chunk by chunk. `key` is used for this stream alone. */
export class SealedWriter {
  readonly #key: Buffer;
  readonly #write: (bytes: Buffer) => void;
  readonly #held = Buffer.alloc(CHUNK_BYTES);
  #length = 0;
  #number = 0;

  constructor(key: Buffer, write: (bytes: Buffer) => void) {
    this.#key = key;
    this.#write = write;
  }

  push(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      // Only when more comes is a full chunk known not to be the last.
      if (this.#length === CHUNK_BYTES) this.#seal(false);
      const part = bytes.subarray(done, done + CHUNK_BYTES - this.#length);
      this.#held.set(part, this.#length);
      this.#length += part.length;
      done += part.length;
    }
  }

  end(): void {
    this.#seal(true);
    this.#held.fill(0);
  }

  #seal(isLast: boolean): void {
    const cipher = createCipheriv(ALGORITHM, this.#key, nonceOf(this.#number, isLast), OPTIONS);
    const sealed = cipher.update(this.#held.subarray(0, this.#length));
    cipher.final();
    this.#write(Buffer.concat([sealed, cipher.getAuthTag()]));
    this.#number++;
    this.#length = 0;
  }
}

/** Opens what a SealedWriter has sealed; nothing is handed on that is not proven. */
export class SealedReader {
  readonly #key: Buffer;
  readonly #read: (bytes: number) => Buffer;
  /** Sealed bytes that were read ahead: what follows a chunk tells whether it is the last. */
  #ahead: Buffer;
  #open = Buffer.alloc(0);
  #number = 0;
  #isOver = false;

  /** @param read gives so many bytes, or as many as there are left */
  constructor(key: Buffer, read: (bytes: number) => Buffer) {
    this.#key = key;
    this.#read = read;
    this.#ahead = read(CHUNK_BYTES + TAG_BYTES);
  }

  /** Exactly so many bytes, in memory of their own. @throws HaspError E_VAULT_CORRUPT */
  take(length: number): Buffer {
    const taken = Buffer.alloc(length);
    for (let done = 0; done < length; ) {
      if (this.#open.length === 0) this.#openNext();
      const part = this.#open.subarray(0, length - done);
      taken.set(part, done);
      done += part.length;
      this.#open = this.#open.subarray(part.length);
    }
    return taken;
  }

  /** Whether all was taken. @throws HaspError E_VAULT_CORRUPT */
  isAtEnd(): boolean {
    return this.#open.length === 0 && this.#isOver;
  }

  #openNext(): void {
    if (this.#isOver) throw backupCorrupt('it ends too early');
    const sealed = this.#ahead;
    const next = sealed.length === CHUNK_BYTES + TAG_BYTES ? this.#read(CHUNK_BYTES + TAG_BYTES) : Buffer.alloc(0);
    const isLast = next.length === 0;
    if (sealed.length < TAG_BYTES || (sealed.length === TAG_BYTES && this.#number > 0)) throw damaged();
    const decipher = createDecipheriv(ALGORITHM, this.#key, nonceOf(this.#number, isLast), OPTIONS);
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
    const plain = decipher.update(sealed.subarray(0, sealed.length - TAG_BYTES));
    try {
      decipher.final();
    } catch {
      plain.fill(0);
      throw damaged();
    }
    this.#ahead = next;
    this.#open = plain;
    this.#isOver = isLast;
    this.#number++;
  }
}

function nonceOf(number: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUIntBE(number, 5, 6);
  nonce.writeUInt8(isLast ? 1 : 0, 11);
  return nonce;
}

function damaged() {
  return backupCorrupt('a part of it was changed, cut off or added');
}
