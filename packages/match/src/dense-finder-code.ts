import {
  ANY_ALIGNMENT,
  AT,
  END,
  I8X16_BITMASK,
  I8X16_EQ,
  I8X16_LE_U,
  I8X16_SPLAT,
  I8X16_SUB,
  I8X16_SUB_SAT_U,
  I32_CONST,
  I32_EQZ,
  I64,
  I64_AND,
  I64_CONST,
  I64_EQZ,
  I64_EXTEND_I32_U,
  I64_OR,
  I64_SHL,
  I64_SUB,
  I64_XOR,
  IF,
  LOCAL_GET,
  LOCAL_SET,
  LOCAL_TEE,
  NO_RESULT,
  SIMD,
  searchModule,
  signed,
  tellAddress,
  unsigned,
  V128,
  V128_ANDNOT,
  V128_ANY_TRUE,
  V128_LOAD,
  V128_OR,
} from './wasm-code.ts';

const VECTOR = 16;
/** So many bytes are looked at together, */
export const DENSE_BYTES = VECTOR;
/** of so many. */
export const DENSE_STEP = 44;
/** So many times at each step: the loop itself takes a third of the time of one look. */
const LOOKS = 2;
/** What one call looks at is a multiple of it. */
export const DENSE_STRIDE = LOOKS * DENSE_STEP;
/** So far behind its beginning goes the last look of a step. */
export const DENSE_REACH = (LOOKS - 1) * DENSE_STEP + DENSE_BYTES + DENSE_STEP;

/** From one byte to another, both with it. */
export type ByteRange = readonly [least: number, most: number];

/** What ends a dense stretch: a range beside that of the dense bytes, and one byte among those. */
export interface Ends {
  readonly beside: ByteRange;
  readonly among: number;
}

/** Where the vectors lie that have the DENSE_STEP bytes behind: the last overlaps the one before. */
const BEHIND = [0, VECTOR, DENSE_STEP - VECTOR] as const;
const [LOW, SPAN, FIRST] = [3, 4, 5] as const;

/**
 * The WebAssembly module that finds dense stretches of a text and what ends them: bytes of one range, but for one of it, and nothing between them.
 *
 *     find(at, end, out): from address `at` on and before `end`, of each DENSE_STEP the first DENSE_BYTES: where all of them are of
 *     `dense`, and the first of the DENSE_STEP bytes behind them that is not is of `ends`, writes the address behind them to
 *     `out`. Returns where it stopped writing.
 */
export function denseFinderCode(dense: ByteRange, ends: Ends): Uint8Array {
  const begin = [
    // Locals beside the parameters.
    ...[2, 2, V128, 1, I64],
    ...[...splat(dense[0]), LOCAL_SET, LOW, ...splat(dense[1] - dense[0]), LOCAL_SET, SPAN],
  ];
  const looks = Array.from({ length: LOOKS }, (_, look) => lookAt(look * DENSE_STEP, ends));
  return searchModule(begin, looks.flat(), DENSE_STRIDE);
}

/** Most end after the first row, and nearly all of the others after the second. */
function lookAt(place: number, ends: Ends): number[] {
  const behind = BEHIND.map((at) => place + DENSE_BYTES + at);
  const anyEnd = behind.flatMap((at, index) => [...endsAt(at, ends), ...(index === 0 ? [] : [SIMD, V128_OR])]);
  return [
    ...[...overAt(place), SIMD, V128_ANY_TRUE, I32_EQZ, IF, NO_RESULT],
    ...[...anyEnd, SIMD, V128_ANY_TRUE, IF, NO_RESULT],
    // The lowest bit of what is not dense: x & -x.
    ...[...maskOf(behind.map((at) => denseAt(at, ends.among))), I64_CONST, ...signed(-1), I64_XOR, LOCAL_TEE, FIRST],
    ...[I64_CONST, 0, LOCAL_GET, FIRST, I64_SUB, I64_AND, ...maskOf(behind.map((at) => endsAt(at, ends))), I64_AND],
    ...[I64_EQZ, I32_EQZ, IF, NO_RESULT, ...tellAddress(place + DENSE_BYTES), END, END, END],
  ];
}

/** Of bytes that are dense nothing is left when what they may be over the least of them is taken away. */
function overAt(place: number): number[] {
  return [...load(place), LOCAL_GET, LOW, SIMD, I8X16_SUB, LOCAL_GET, SPAN, SIMD, I8X16_SUB_SAT_U];
}

function denseAt(place: number, but: number): number[] {
  const inRange = [...load(place), LOCAL_GET, LOW, SIMD, I8X16_SUB, LOCAL_GET, SPAN, SIMD, I8X16_LE_U];
  return [...inRange, ...isAt(place, but), SIMD, V128_ANDNOT];
}

function endsAt(place: number, { beside: [least, most], among }: Ends): number[] {
  const inRange = [...load(place), ...splat(least), SIMD, I8X16_SUB, ...splat(most - least), SIMD, I8X16_LE_U];
  return [...inRange, ...isAt(place, among), SIMD, V128_OR];
}

function isAt(place: number, byte: number): number[] {
  return [...load(place), ...splat(byte), SIMD, I8X16_EQ];
}

/** A bit for each of the DENSE_STEP bytes. */
function maskOf(vectors: readonly number[][]): number[] {
  return vectors.flatMap((vector, at) => [
    ...[...vector, SIMD, I8X16_BITMASK, I64_EXTEND_I32_U, I64_CONST, BEHIND[at] as number, I64_SHL],
    ...(at === 0 ? [] : [I64_OR]),
  ]);
}

function load(place: number): number[] {
  return [LOCAL_GET, AT, SIMD, V128_LOAD, ANY_ALIGNMENT, ...unsigned(place)];
}

function splat(number: number): number[] {
  return [I32_CONST, ...signed(number), SIMD, I8X16_SPLAT];
}
