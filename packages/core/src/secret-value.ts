const PRINTED = '[secret]';

/**
 * Bytes of a secret that print as `[secret]` wherever something tries to print them:
 * template strings, JSON, console.log, util.inspect. Only `reveal` gives the bytes.
 */
export class SecretValue {
  #bytes: Uint8Array;

  /** Takes ownership of `bytes`: `wipe` zeroes that very memory. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Length in bytes. */
  get length(): number {
    return this.#bytes.length;
  }

  /** The live bytes, not a copy: do not keep them beyond the delivery. */
  reveal(): Uint8Array {
    return this.#bytes;
  }

  /** Zeroes the bytes. JavaScript strings made from them can't be wiped. */
  wipe(): void {
    this.#bytes.fill(0);
    this.#bytes = new Uint8Array(0);
  }

  toString(): string {
    return PRINTED;
  }

  toJSON(): string {
    return PRINTED;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return PRINTED;
  }
}
