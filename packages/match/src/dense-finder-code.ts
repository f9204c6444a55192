import {
  ANY_ALIGNMENT,
  add,
  BLOCK,
  BRANCH,
  BRANCH_IF,
  END,
  I8X16_BITMASK,
  I8X16_LE_U,
  I8X16_SPLAT,
  I8X16_SUB,
  I32,
  I32_ADD,
  I32_AND,
  I32_CONST,
  I32_EQ,
  I32_GE_U,
  I32_GT_U,
  I32_OR,
  I32_SHL,
  I32_STORE,
  I32_SUB,
  I32_XOR,
  IF,
  LOCAL_GET,
  LOCAL_SET,
  LOCAL_TEE,
  LOOP,
  moduleOf,
  NO_RESULT,
  SIMD,
  signed,
  V128,
  V128_LOAD,
} from './wasm-code.ts';

/** So many bytes are looked at together, of twice as many. */
export const DENSE_BYTES = 16;
const HALF = 2 * DENSE_BYTES;
/** Two such looks. */
export const DENSE_STEP = 2 * HALF;
/** How far a step looks. */
export const DENSE_REACH = DENSE_STEP + DENSE_BYTES;

const ALL = (1 << DENSE_BYTES) - 1;
const [AT, LAST, OUT, LOW, SPAN, FIRST] = [0, 1, 2, 3, 4, 5] as const;

/** From one byte to another, both with it. */
export type ByteRange = readonly [least: number, most: number];

/**
 * The WebAssembly module that finds dense stretches of a text and what ends them: bytes of one range and nothing between them.
 *
 *     find(at, end, out): from address `at` on and before `end`, in steps of DENSE_STEP, of each half of a step the first
 *     DENSE_BYTES: where all of them are of `dense`, and the first of the twice as many behind them that is not is of `ends`,
 *     writes the address behind them to `out`; unless fewer than twice DENSE_BYTES that are dense lie before that end. Returns
 *     where it stopped writing.
 *
 * The DENSE_BYTES before `at` are looked at, too.
 */
export function denseFinderCode(dense: ByteRange, ends: ByteRange): Uint8Array {
  const splat = (number: number): number[] => [I32_CONST, ...signed(number), SIMD, I8X16_SPLAT];
  const load = (offset: number): number[] => [LOCAL_GET, AT, SIMD, V128_LOAD, ANY_ALIGNMENT, offset];
  /** A bit for each of the DENSE_BYTES. */
  const bitsOf = (bytes: readonly number[], low: readonly number[], span: readonly number[]): number[] => [
    ...[...bytes, ...low, SIMD, I8X16_SUB, ...span, SIMD, I8X16_LE_U, SIMD, I8X16_BITMASK],
  ];
  const denseIn = (bytes: readonly number[]): number[] => bitsOf(bytes, [LOCAL_GET, LOW], [LOCAL_GET, SPAN]);
  const endsIn = (bytes: readonly number[]): number[] => bitsOf(bytes, splat(ends[0]), splat(ends[1] - ends[0]));
  const isDense = (bytes: readonly number[]): number[] => [...denseIn(bytes), I32_CONST, ...signed(ALL), I32_EQ];
  const behind = (bitsIn: typeof denseIn, at: number): number[] => [
    ...[
      ...bitsIn(load(at + DENSE_BYTES)),
      ...bitsIn(load(at + 2 * DENSE_BYTES)),
      I32_CONST,
      DENSE_BYTES,
      I32_SHL,
      I32_OR,
    ],
  ];
  const before = (at: number): number[] =>
    at === 0
      ? [LOCAL_GET, AT, I32_CONST, DENSE_BYTES, I32_SUB, SIMD, V128_LOAD, ANY_ALIGNMENT, 0]
      : load(at - DENSE_BYTES);
  const look = (at: number): number[] => [
    ...[...isDense(load(at)), IF, NO_RESULT],
    // The lowest bit of what is not dense: x & -x.
    ...[...behind(denseIn, at), I32_CONST, ...signed(-1), I32_XOR, LOCAL_SET, FIRST],
    ...[LOCAL_GET, FIRST, I32_CONST, 0, LOCAL_GET, FIRST, I32_SUB, I32_AND, LOCAL_TEE, FIRST],
    ...[...behind(endsIn, at), I32_AND, IF, NO_RESULT],
    ...[...isDense(before(at)), LOCAL_GET, FIRST, I32_CONST, ...signed(ALL), I32_GT_U, I32_OR, IF, NO_RESULT],
    ...[
      LOCAL_GET,
      OUT,
      LOCAL_GET,
      AT,
      I32_CONST,
      at + DENSE_BYTES,
      I32_ADD,
      I32_STORE,
      ANY_ALIGNMENT,
      0,
      ...add(OUT, 4),
    ],
    ...[END, END, END],
  ];
  return moduleOf([
    // Locals beside the parameters.
    ...[2, 2, V128, 1, I32],
    ...[...splat(dense[0]), LOCAL_SET, LOW, ...splat(dense[1] - dense[0]), LOCAL_SET, SPAN],
    ...[BLOCK, NO_RESULT, LOOP, NO_RESULT],
    ...[LOCAL_GET, AT, LOCAL_GET, LAST, I32_GE_U, BRANCH_IF, 1],
    // One branch for both, which are rarely dense.
    ...[...isDense(load(0)), ...isDense(load(HALF)), I32_OR, IF, NO_RESULT, ...look(0), ...look(HALF), END],
    ...[...add(AT, DENSE_STEP), BRANCH, 0, END, END],
    ...[LOCAL_GET, OUT, END],
  ]);
}
