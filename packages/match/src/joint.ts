import { LONGEST_HEAD } from './heads.ts';

/** Puts what was kept of the last chunk before the next one, with as little copying as can be. */
export class Joint {
  /** A fresh piece of memory for each chunk would cost more than to look through it. */
  #memory = new Uint8Array(0);

  /** @param room so many bytes of the chunk's memory, right before it, may be overwritten */
  join(tail: Uint8Array, chunk: Uint8Array, room: number): Uint8Array {
    if (tail.length === 0) return chunk;
    const length = tail.length + chunk.length;
    if (tail.length <= room) {
      const whole = new Uint8Array(chunk.buffer as ArrayBuffer, chunk.byteOffset - tail.length, length);
      whole.set(tail);
      return whole;
    }
    if (this.#memory.length < length) {
      this.wipe();
      this.#memory = new Uint8Array(length + LONGEST_HEAD);
    }
    this.#memory.set(tail);
    this.#memory.set(chunk, tail.length);
    return this.#memory.subarray(0, length);
  }

  wipe(): void {
    this.#memory.fill(0);
  }
}
