import {
  ANY_ALIGNMENT,
  add,
  BLOCK,
  BRANCH,
  BRANCH_IF,
  END,
  I32,
  I32_AND,
  I32_CONST,
  I32_EQZ,
  I32_GE_U,
  I32_LOAD,
  I32_MUL,
  I32_OR,
  I32_SHL,
  I32_SHR_U,
  I32_STORE,
  IF,
  LOCAL_GET,
  LOCAL_TEE,
  LOOP,
  moduleOf,
  NO_RESULT,
  signed,
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
 * The first table is the Bloom filter, every bit turned over, at address 0; the second has two bits for each ten bits
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

const [AT, LAST, OUT, HASH] = [0, 1, 2, 3] as const;

export function finderCode({ stride, shift, multiplier, masks }: FinderLayout): Uint8Array {
  const known = (offset: number): number[] => [
    ...[LOCAL_GET, AT, I32_LOAD, ANY_ALIGNMENT, ...unsigned(offset)],
    ...[I32_CONST, ...signed(multiplier), I32_MUL, LOCAL_TEE, HASH],
    ...[I32_CONST, ...signed(shift), I32_SHR_U, I32_CONST, 2, I32_SHL, I32_LOAD, ANY_ALIGNMENT, 0],
    ...[LOCAL_GET, HASH, I32_CONST, 5, I32_SHR_U, I32_CONST, ...signed(0xffc), I32_AND],
    ...[I32_LOAD, ANY_ALIGNMENT, ...unsigned(masks), I32_AND, I32_EQZ],
  ];
  const group = Array.from({ length: GROUP }, (_, at) => [...known(at * stride), ...(at === 0 ? [] : [I32_OR])]);
  const body = [
    // One more local than parameters.
    ...[1, 1, I32],
    ...[BLOCK, NO_RESULT, LOOP, NO_RESULT],
    ...[LOCAL_GET, AT, LOCAL_GET, LAST, I32_GE_U, BRANCH_IF, 1],
    ...[...group.flat(), IF, NO_RESULT],
    ...[LOCAL_GET, OUT, LOCAL_GET, AT, I32_STORE, ANY_ALIGNMENT, 0, ...add(OUT, 4), END],
    ...[...add(AT, GROUP * stride), BRANCH, 0, END, END],
    ...[LOCAL_GET, OUT, END],
  ];
  return moduleOf(body);
}
