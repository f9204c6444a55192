const ESC = 0x1b;
const BEL = 0x07;
const CAN = 0x18;
const SUB = 0x1a;
const BACKSLASH = 0x5c;
const BRACKET = 0x5b;
/** `ESC ]`, `ESC P`, `ESC X`, `ESC ^`, `ESC _`: strings up to `ESC \` or BEL. */
const STRINGS = [0x5d, 0x50, 0x58, 0x5e, 0x5f];
/** What goes on for longer is taken for text: it may be anything. */
const LONGEST = { control: 64, string: 4096 } as const;

type State = 'text' | 'escape' | 'control' | 'string' | 'string-escape';

/** Bytes that a terminal shows, and the places of those that it obeys. */
export interface Parted {
  readonly text: Uint8Array;
  /** One after the other of each sequence, or part of one: how much of the text lies before it, its start and its end. */
  readonly sequences: readonly number[];
}

/**
 * Parts text from escape sequences (ECMA-48, clauses 5.3 to 5.6), byte by byte: what a sequence is does not hang on
 * how the stream is cut.
 */
export class AnsiSequences {
  #state: State = 'text';
  /** Of the sequence that is under way. */
  #length = 0;

  /** Undefined where all of the bytes is text. */
  part(bytes: Uint8Array): Parted | undefined {
    const whole = asBuffer(bytes);
    if (this.#state === 'text' && whole.indexOf(ESC) < 0) return undefined;
    const text = new Uint8Array(bytes.length);
    const sequences: number[] = [];
    let length = 0;
    let start = 0;
    for (let at = 0; at < bytes.length; at += 1) {
      if (this.#state === 'text') {
        const next = whole.indexOf(ESC, at);
        start = next < 0 ? bytes.length : next;
        text.set(bytes.subarray(at, start), length);
        length += start - at;
        at = start;
        if (next < 0) break;
      }
      const isPart = this.#take(bytes[at] as number);
      if (this.#state !== 'text') continue;
      // What ends a sequence and is no part of it is looked at again, as text.
      if (!isPart) at -= 1;
      sequences.push(length, start, at + 1);
    }
    if (this.#state !== 'text') sequences.push(length, start, bytes.length);
    return { text: text.subarray(0, length), sequences };
  }

  /** What comes is text, whatever was under way. */
  reset(): void {
    this.#state = 'text';
  }

  /** Goes on by one byte. @returns whether it belongs to the sequence */
  #take(byte: number): boolean {
    this.#length = this.#state === 'text' ? 1 : this.#length + 1;
    const state = this.#next(byte);
    const isString = this.#state === 'string' || this.#state === 'string-escape';
    this.#state = state === undefined || this.#length > LONGEST[isString ? 'string' : 'control'] ? 'text' : state;
    return state !== undefined;
  }

  #next(byte: number): State | undefined {
    switch (this.#state) {
      case 'text':
        return 'escape';
      case 'escape':
        return afterEscape(byte);
      case 'control':
        return byte >= 0x30 && byte < 0x40 ? 'control' : ended(byte, 0x40, 'control');
      case 'string':
        if (byte === ESC) return 'string-escape';
        return byte === BEL || byte === CAN || byte === SUB ? 'text' : 'string';
      case 'string-escape':
        if (byte === BACKSLASH) return 'text';
        // The string is broken off by the next sequence.
        this.#length = 2;
        return afterEscape(byte);
    }
  }
}

function afterEscape(byte: number): State | undefined {
  if (byte === BRACKET) return 'control';
  return STRINGS.includes(byte) ? 'string' : ended(byte, 0x30);
}

/** Intermediate bytes go on, a final byte ends it, and anything else is no part of it. */
function ended(byte: number, final: number, state: State = 'escape'): State | undefined {
  if (byte >= 0x20 && byte < 0x30) return state;
  return byte >= final && byte < 0x7f ? 'text' : undefined;
}

/** The same memory: a Buffer finds a byte ten times faster. */
export function asBuffer(bytes: Uint8Array): Buffer {
  if (bytes instanceof Buffer) return bytes;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
