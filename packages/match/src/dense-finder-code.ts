import {
  add,
  BLOCK,
  BRANCH,
  BRANCH_IF,
  END,
  I8X16_ALL_TRUE,
  I8X16_LE_U,
  I8X16_SPLAT,
  I8X16_SUB,
  I32_CONST,
  I32_GE_U,
  I32_STORE,
  IF,
  LOCAL_GET,
  LOCAL_SET,
  LOCAL_TEE,
  LOOP,
  moduleOf,
  NO_RESULT,
  SIMD,
  signed,
  unsigned,
  V128,
  V128_AND,
  V128_LOAD,
} from './wasm-code.ts';

/** Bytes that are looked at together. */
export const DENSE_BYTES = 16;

const ANY_ALIGNMENT = 0;
const [AT, LAST, OUT, LOW, SPAN, LAST_DENSE, DENSE] = [0, 1, 2, 3, 4, 5, 6] as const;

/**
 * The WebAssembly module that finds dense stretches of a text: bytes from `least` to `most` and nothing between them.
 *
 *     find(at, end, out): from address `at` on, for each DENSE_BYTES before `end` that are dense as are those before them,
 *     writes their address to `out`. Returns where it stopped writing.
 */
export function denseFinderCode(least: number, most: number): Uint8Array {
  const vector = (number: number, local: number): number[] => [
    ...[I32_CONST, ...signed(number), SIMD, I8X16_SPLAT, LOCAL_SET, local],
  ];
  return moduleOf([
    // Locals beside the parameters.
    ...[1, 4, V128],
    ...[...vector(least, LOW), ...vector(most - least, SPAN)],
    ...[BLOCK, NO_RESULT, LOOP, NO_RESULT],
    ...[LOCAL_GET, AT, LOCAL_GET, LAST, I32_GE_U, BRANCH_IF, 1],
    ...[LOCAL_GET, AT, SIMD, V128_LOAD, ANY_ALIGNMENT, 0, LOCAL_GET, LOW, SIMD, I8X16_SUB],
    ...[LOCAL_GET, SPAN, SIMD, I8X16_LE_U, LOCAL_TEE, DENSE],
    ...[LOCAL_GET, LAST_DENSE, SIMD, V128_AND, SIMD, I8X16_ALL_TRUE, IF, NO_RESULT],
    ...[LOCAL_GET, OUT, LOCAL_GET, AT, I32_STORE, ANY_ALIGNMENT, ...unsigned(0), ...add(OUT, 4), END],
    ...[LOCAL_GET, DENSE, LOCAL_SET, LAST_DENSE],
    ...[...add(AT, DENSE_BYTES), BRANCH, 0, END, END],
    ...[LOCAL_GET, OUT, END],
  ]);
}
