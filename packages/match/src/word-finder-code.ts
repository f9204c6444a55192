import {
  ANY_ALIGNMENT,
  AT,
  END,
  I32,
  I32_AND,
  I32_CONST,
  I32_EQZ,
  I32_LOAD,
  I32_MUL,
  I32_OR,
  I32_SHL,
  I32_SHR_U,
  IF,
  LOCAL_GET,
  LOCAL_TEE,
  NO_RESULT,
  searchModule,
  signed,
  tellAddress,
  unsigned,
} from './wasm-code.ts';

/**
 * The WebAssembly module of a `WordFinder`, written out byte by byte: one import (its memory, `m.m`), one function:
 *
 *     find(at, end, out): for each group of GROUP words, `stride` bytes apart, from address `at` on and before `end`,
 *     writes the group's address to `out` if one of its words may be known. Returns where it stopped writing.
 *
 *     word = load(at + n * stride); hash = word * MULTIPLIER
 *     known = (load(hash >>> shift << 2) & load(masks + (hash >>> 7 & 1023) * 4)) == 0
 *
 * The first table is the filter's, at address 0; the second has two bits for each ten bits
 * of a hash: to shift by a number that is not known beforehand takes a processor three times as long.
 */
export interface FinderLayout {
  readonly stride: number;
  /** Of a hash, to find its block. */
  readonly shift: number;
  readonly multiplier: number;
  /** The address of the masks. */
  readonly masks: number;
}

/** Words that are looked at with one branch. */
export const GROUP = 4;

const HASH = 3;

export function finderCode({ stride, shift, multiplier, masks }: FinderLayout): Uint8Array {
  const known = (offset: number): number[] => [
    ...[LOCAL_GET, AT, I32_LOAD, ANY_ALIGNMENT, ...unsigned(offset)],
    ...[I32_CONST, ...signed(multiplier), I32_MUL, LOCAL_TEE, HASH],
    ...[I32_CONST, ...signed(shift), I32_SHR_U, I32_CONST, 2, I32_SHL, I32_LOAD, ANY_ALIGNMENT, 0],
    ...[LOCAL_GET, HASH, I32_CONST, 5, I32_SHR_U, I32_CONST, ...signed(0xffc), I32_AND],
    ...[I32_LOAD, ANY_ALIGNMENT, ...unsigned(masks), I32_AND, I32_EQZ],
  ];
  const group = Array.from({ length: GROUP }, (_, at) => [...known(at * stride), ...(at === 0 ? [] : [I32_OR])]);
  // One more local than parameters.
  return searchModule([1, 1, I32], [...group.flat(), IF, NO_RESULT, ...tellAddress(0), END], GROUP * stride);
}
