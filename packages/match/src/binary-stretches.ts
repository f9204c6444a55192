import { asBuffer } from './ansi-sequences.ts';

/** So much after a NUL is taken to be binary, too. */
const QUIET_BYTES = 65_536;

/** Which parts of a stream are no text: what lies near after a NUL. It does not hang on how the stream is cut. */
export class BinaryStretches {
  #seen = 0;
  #until = 0;

  /** True where none of the next bytes is binary, and then they count as told. */
  areText(bytes: Uint8Array): boolean {
    if (this.#seen < this.#until || asBuffer(bytes).indexOf(0) >= 0) return false;
    this.#seen += bytes.length;
    return true;
  }

  /** Tells the parts of the next bytes, in order. */
  each(bytes: Uint8Array, tell: (part: Uint8Array, isBinary: boolean) => void): void {
    const whole = asBuffer(bytes);
    for (let at = 0; at < bytes.length; ) {
      const isBinary = this.#seen < this.#until;
      const end = isBinary ? this.#endOfBinary(whole, at) : this.#nextNul(whole, at);
      if (end > at) tell(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end), isBinary);
      this.#seen += end - at;
      if (!isBinary && end < bytes.length) this.#until = this.#seen + 1 + QUIET_BYTES;
      at = end;
    }
  }

  #nextNul(bytes: Buffer, at: number): number {
    const nul = bytes.indexOf(0, at);
    return nul < 0 ? bytes.length : nul;
  }

  #endOfBinary(bytes: Buffer, at: number): number {
    for (let from = at; ; ) {
      const end = Math.min(bytes.length, at + this.#until - this.#seen);
      const last = end > from ? bytes.lastIndexOf(0, end - 1) : -1;
      if (last < from) return end;
      this.#until = this.#seen + (last - at) + 1 + QUIET_BYTES;
      from = last + 1;
    }
  }
}
