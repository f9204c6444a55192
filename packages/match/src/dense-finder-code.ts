import {
  ANY_ALIGNMENT,
  AT,
  END,
  I8X16_BITMASK,
  I8X16_LE_U,
  I8X16_SPLAT,
  I8X16_SUB,
  I32,
  I32_AND,
  I32_CONST,
  I32_EQ,
  I32_OR,
  I32_SHL,
  I32_SUB,
  I32_XOR,
  IF,
  LOCAL_GET,
  LOCAL_SET,
  LOCAL_TEE,
  NO_RESULT,
  SIMD,
  searchModule,
  signed,
  tellAddress,
  V128,
  V128_AND,
  V128_LOAD,
} from './wasm-code.ts';

const VECTOR = 16;
/** So many bytes are looked at together, as two vectors that overlap, */
export const DENSE_BYTES = 28;
/** of so many. */
export const DENSE_STEP = 2 * VECTOR;

const ALL = (1 << VECTOR) - 1;
const [LOW, SPAN, FIRST] = [3, 4, 5] as const;

/** From one byte to another, both with it. */
export type ByteRange = readonly [least: number, most: number];

/**
 * The WebAssembly module that finds dense stretches of a text and what ends them: bytes of one range and nothing between them.
 *
 *     find(at, end, out): from address `at` on and before `end`, of each DENSE_STEP the first DENSE_BYTES: where all of them are of
 *     `dense`, and the first of the DENSE_STEP bytes behind them that is not is of `ends`, writes the address behind them to
 *     `out`. Returns where it stopped writing.
 */
export function denseFinderCode(dense: ByteRange, ends: ByteRange): Uint8Array {
  const splat = (number: number): number[] => [I32_CONST, ...signed(number), SIMD, I8X16_SPLAT];
  const load = (offset: number): number[] => [LOCAL_GET, AT, SIMD, V128_LOAD, ANY_ALIGNMENT, offset];
  const denseAt = (offset: number): number[] => [
    ...[...load(offset), LOCAL_GET, LOW, SIMD, I8X16_SUB, LOCAL_GET, SPAN, SIMD, I8X16_LE_U],
  ];
  const endsAt = (offset: number): number[] => [
    ...[...load(offset), ...splat(ends[0]), SIMD, I8X16_SUB, ...splat(ends[1] - ends[0]), SIMD, I8X16_LE_U],
  ];
  /** A bit for each of the DENSE_STEP bytes behind. */
  const behind = (bytesAt: (offset: number) => number[]): number[] => [
    ...[...bytesAt(DENSE_BYTES), SIMD, I8X16_BITMASK, ...bytesAt(DENSE_BYTES + VECTOR), SIMD, I8X16_BITMASK],
    ...[I32_CONST, VECTOR, I32_SHL, I32_OR],
  ];
  const begin = [
    // Locals beside the parameters.
    ...[2, 2, V128, 1, I32],
    ...[...splat(dense[0]), LOCAL_SET, LOW, ...splat(dense[1] - dense[0]), LOCAL_SET, SPAN],
  ];
  const each = [
    ...[...denseAt(0), ...denseAt(DENSE_BYTES - VECTOR), SIMD, V128_AND],
    ...[SIMD, I8X16_BITMASK, I32_CONST, ...signed(ALL), I32_EQ, IF, NO_RESULT],
    // The lowest bit of what is not dense: x & -x.
    ...[...behind(denseAt), I32_CONST, ...signed(-1), I32_XOR, LOCAL_TEE, FIRST],
    ...[I32_CONST, 0, LOCAL_GET, FIRST, I32_SUB, I32_AND, ...behind(endsAt), I32_AND, IF, NO_RESULT],
    ...[...tellAddress(DENSE_BYTES), END, END],
  ];
  return searchModule(begin, each, DENSE_STEP);
}
