import type { Pattern } from './automaton.ts';

/**
 * Passes over bytes in which no pattern can begin, four at a time. A pattern of seven or more bytes
 * wholly contains the four bytes at an aligned address at most three after its beginning, so only
 * the four words at its offsets 0 to 3 need to be known, and only aligned words need to be looked at.
 */
export interface WordFilter {
  over(bytes: Uint8Array): AlignedWords;
}

export interface AlignedWords {
  /** No pattern begins in [at, next(at)). What begins in the FILTER_REACH bytes from there on has to be looked at. */
  next(at: number): number;
}

/** An aligned word tells of beginnings at its own address and the three before it. */
export const FILTER_REACH = 4;

const WORD = 4;
/** 16 KiB of flags stay in the first-level cache; fifty values set about one in a hundred. */
const FLAG_BITS = 14;

/** All patterns must have at least seven bytes. */
export function makeWordFilter(patterns: readonly Pattern[]): WordFilter {
  const flags = new Uint8Array(1 << FLAG_BITS);
  const scratch = new Int32Array(1);
  const scratchBytes = new Uint8Array(scratch.buffer);
  for (const { bytes } of patterns) {
    for (let offset = 0; offset < FILTER_REACH; offset += 1) {
      scratchBytes.set(bytes.subarray(offset, offset + WORD));
      flags[slotOf(scratch[0] as number)] = 1;
    }
  }
  return { over: (bytes) => alignedWords(bytes, flags) };
}

/** `bytes` must have at least seven bytes. */
function alignedWords(bytes: Uint8Array, flags: Uint8Array): AlignedWords {
  const first = (WORD - (bytes.byteOffset % WORD)) % WORD;
  const count = Math.floor((bytes.length - first) / WORD);
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + first, count);
  return {
    next(at) {
      let index = Math.max(0, Math.ceil((at - first) / WORD));
      while (index < count && flags[slotOf(words[index] as number)] === 0) index += 1;
      return first + index * WORD - (FILTER_REACH - 1);
    },
  };
}

/** Fibonacci hashing: the product's top bits depend on all bits of the word. */
function slotOf(word: number): number {
  return Math.imul(word, 0x9e3779b1) >>> (32 - FLAG_BITS);
}
