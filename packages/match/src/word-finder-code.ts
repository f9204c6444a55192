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

const I32 = 0x7f;
const NO_RESULT = 0x40;
const BLOCK = 0x02;
const LOOP = 0x03;
const IF = 0x04;
const END = 0x0b;
const BRANCH = 0x0c;
const BRANCH_IF = 0x0d;
const LOCAL_GET = 0x20;
const LOCAL_SET = 0x21;
const LOCAL_TEE = 0x22;
const I32_LOAD = 0x28;
const I32_STORE = 0x36;
const I32_CONST = 0x41;
const I32_EQZ = 0x45;
const I32_GE_U = 0x4f;
const I32_ADD = 0x6a;
const I32_MUL = 0x6c;
const I32_AND = 0x71;
const I32_OR = 0x72;
const I32_SHL = 0x74;
const I32_SHR_U = 0x76;
const ANY_ALIGNMENT = 0;
const [TYPE, IMPORT, FUNCTION, EXPORT, CODE] = [1, 2, 3, 7, 10] as const;
const [NAME_M, NAME_F] = [0x6d, 0x66] as const;
const [AT, LAST, OUT, HASH] = [0, 1, 2, 3] as const;

export function finderCode({ stride, shift, multiplier, masks }: FinderLayout): Uint8Array {
  const known = (offset: number): number[] => [
    ...[LOCAL_GET, AT, I32_LOAD, ANY_ALIGNMENT, ...unsigned(offset)],
    ...[I32_CONST, ...signed(multiplier), I32_MUL, LOCAL_TEE, HASH],
    ...[I32_CONST, ...signed(shift), I32_SHR_U, I32_CONST, 2, I32_SHL, I32_LOAD, ANY_ALIGNMENT, 0],
    ...[LOCAL_GET, HASH, I32_CONST, 5, I32_SHR_U, I32_CONST, ...signed(0xffc), I32_AND],
    ...[I32_LOAD, ANY_ALIGNMENT, ...unsigned(masks), I32_AND, I32_EQZ],
  ];
  const add = (local: number, number: number): number[] => [
    ...[LOCAL_GET, local, I32_CONST, ...signed(number), I32_ADD, LOCAL_SET, local],
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
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(TYPE, [1, 0x60, 3, I32, I32, I32, 1, I32]),
    ...section(IMPORT, [1, 1, NAME_M, 1, NAME_M, 2, 0, 1]),
    ...section(FUNCTION, [1, 0]),
    ...section(EXPORT, [1, 1, NAME_F, 0, 0]),
    ...section(CODE, [1, ...unsigned(body.length), ...body]),
  ]);
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

/** LEB128. */
function unsigned(number: number): number[] {
  return number < 0x80 ? [number] : [(number & 0x7f) | 0x80, ...unsigned(number >>> 7)];
}

function signed(number: number): number[] {
  const isLast = number >= -0x40 && number < 0x40;
  return isLast ? [number & 0x7f] : [(number & 0x7f) | 0x80, ...signed(number >> 7)];
}
