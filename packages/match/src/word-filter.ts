import type { Pattern } from './automaton.ts';

/**
 * Passes over bytes in which no pattern can begin, looking at four of each `reach`. A pattern of
 * `reach` + 3 or more bytes wholly contains the four bytes at an address divisible by `reach` that is
 * less than `reach` after its beginning, so only those words need to be looked at, and only the words
 * at offsets 0 to `reach` - 1 of each pattern need to be known.
 */
export interface WordFilter {
  /** 4, 8 or 16: the more, the faster. */
  readonly reach: number;
  over(bytes: Uint8Array): AlignedWords;
}

interface AlignedWords {
  /** No pattern begins in [at, next(at)). What begins in the next `reach` bytes from there on has to be looked at. */
  next(at: number): number;
}

const WORD = 4;
/** 32 KiB of flags stay in the first-level cache. */
const FLAG_BITS = 15;
const FIRST = 1;
const SECOND = 2;
/** With more flags set than this so many words are looked at in vain that a longer reach is slower. */
const MOST_FLAGS = 4096;

/** All patterns must have at least seven bytes. */
export function makeWordFilter(patterns: readonly Pattern[]): WordFilter {
  const shortest = Math.min(...patterns.map(({ bytes }) => bytes.length));
  const fits = (reach: number): boolean => reach + WORD - 1 <= shortest && reach * patterns.length <= MOST_FLAGS;
  const reach = [16, 8].find(fits) ?? WORD;
  const flags = new Uint8Array(1 << FLAG_BITS);
  const scratch = new Int32Array(1);
  const scratchBytes = new Uint8Array(scratch.buffer);
  for (const { bytes } of patterns) {
    for (let offset = 0; offset < reach; offset += 1) {
      scratchBytes.set(bytes.subarray(offset, offset + WORD));
      const word = scratch[0] as number;
      flags[slotOf(word)] = (flags[slotOf(word)] as number) | FIRST;
      flags[otherSlotOf(word)] = (flags[otherSlotOf(word)] as number) | SECOND;
    }
  }
  return { reach, over: (bytes) => alignedWords(bytes, reach, flags) };
}

/** `bytes` must have more than `reach` bytes. */
function alignedWords(bytes: Uint8Array, reach: number, flags: Uint8Array): AlignedWords {
  const first = (reach - (bytes.byteOffset % reach)) % reach;
  const count = Math.floor((bytes.length - first) / WORD);
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + first, count);
  const stride = reach / WORD;
  return {
    next(at) {
      let index = Math.max(0, Math.ceil((at - first) / reach) * stride);
      while (index < count && !isKnown(words[index] as number, flags)) index += stride;
      return first + index * WORD - (reach - 1);
    },
  };
}

/** Never false for a word of a pattern; hardly ever true for another. */
function isKnown(word: number, flags: Uint8Array): boolean {
  return ((flags[slotOf(word)] as number) & FIRST) !== 0 && ((flags[otherSlotOf(word)] as number) & SECOND) !== 0;
}

/** Fibonacci hashing: the product's top bits depend on all bits of the word. */
function slotOf(word: number): number {
  return Math.imul(word, 0x9e3779b1) >>> (32 - FLAG_BITS);
}

/** The same with another odd number: two words seldom share both slots. */
function otherSlotOf(word: number): number {
  return Math.imul(word, 0x85ebca6b) >>> (32 - FLAG_BITS);
}
