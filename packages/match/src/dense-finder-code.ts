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
  I32_ADD,
  I32_CONST,
  I32_EQ,
  I32_GE_U,
  I32_STORE,
  IF,
  LOCAL_GET,
  LOCAL_SET,
  LOOP,
  moduleOf,
  NO_RESULT,
  SIMD,
  signed,
  V128,
  V128_ANY_TRUE,
  V128_LOAD,
  V128_OR,
} from './wasm-code.ts';

/** So many bytes are looked at together, of each DENSE_STEP. */
export const DENSE_BYTES = 16;
export const DENSE_STEP = 32;

const ALL = (1 << DENSE_BYTES) - 1;
const [AT, LAST, OUT, LOW, SPAN] = [0, 1, 2, 3, 4] as const;

/** From one byte to another, both with it. */
export type ByteRange = readonly [least: number, most: number];

/**
 * The WebAssembly module that finds where dense stretches of a text may end: bytes of one range and nothing between them.
 *
 *     find(at, end, out): from address `at` on and before `end`, of each DENSE_STEP the first DENSE_BYTES: where all of them are
 *     of `dense`, and one of the DENSE_STEP bytes behind them is of `ends`, writes the address behind them to `out`. Returns where
 *     it stopped writing.
 */
export function denseFinderCode(dense: ByteRange, ends: ByteRange): Uint8Array {
  const splat = (number: number): number[] => [I32_CONST, ...signed(number), SIMD, I8X16_SPLAT];
  const load = (offset: number): number[] => [LOCAL_GET, AT, SIMD, V128_LOAD, ANY_ALIGNMENT, offset];
  const hasEnd = (offset: number): number[] => [
    ...[...load(offset), ...splat(ends[0]), SIMD, I8X16_SUB, ...splat(ends[1] - ends[0]), SIMD, I8X16_LE_U],
  ];
  return moduleOf([
    // Locals beside the parameters.
    ...[1, 2, V128],
    ...[...splat(dense[0]), LOCAL_SET, LOW, ...splat(dense[1] - dense[0]), LOCAL_SET, SPAN],
    ...[BLOCK, NO_RESULT, LOOP, NO_RESULT],
    ...[LOCAL_GET, AT, LOCAL_GET, LAST, I32_GE_U, BRANCH_IF, 1],
    ...[...load(0), LOCAL_GET, LOW, SIMD, I8X16_SUB, LOCAL_GET, SPAN, SIMD, I8X16_LE_U],
    ...[SIMD, I8X16_BITMASK, I32_CONST, ...signed(ALL), I32_EQ, IF, NO_RESULT],
    ...[...hasEnd(DENSE_BYTES), ...hasEnd(DENSE_STEP), SIMD, V128_OR, SIMD, V128_ANY_TRUE, IF, NO_RESULT],
    ...[
      LOCAL_GET,
      OUT,
      LOCAL_GET,
      AT,
      I32_CONST,
      DENSE_BYTES,
      I32_ADD,
      I32_STORE,
      ANY_ALIGNMENT,
      0,
      ...add(OUT, 4),
      END,
      END,
    ],
    ...[...add(AT, DENSE_STEP), BRANCH, 0, END, END],
    ...[LOCAL_GET, OUT, END],
  ]);
}
