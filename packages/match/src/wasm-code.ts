/** What a WebAssembly module is written with: opcodes by the names that the specification gives them, and its parts. */
export const I32 = 0x7f;
export const I64 = 0x7e;
export const NO_RESULT = 0x40;
const BLOCK = 0x02;
const LOOP = 0x03;
export const IF = 0x04;
export const END = 0x0b;
const BRANCH = 0x0c;
const BRANCH_IF = 0x0d;
export const LOCAL_GET = 0x20;
export const LOCAL_SET = 0x21;
export const LOCAL_TEE = 0x22;
export const I32_LOAD = 0x28;
const I32_STORE = 0x36;
export const I32_CONST = 0x41;
export const I32_EQZ = 0x45;
const I32_GE_U = 0x4f;
const I32_ADD = 0x6a;
export const I32_MUL = 0x6c;
export const I32_AND = 0x71;
export const I32_OR = 0x72;
export const I32_SHL = 0x74;
export const I32_SHR_U = 0x76;
export const I64_CONST = 0x42;
export const I64_EQZ = 0x50;
export const I64_SUB = 0x7d;
export const I64_AND = 0x83;
export const I64_OR = 0x84;
export const I64_XOR = 0x85;
export const I64_SHL = 0x86;
export const I64_EXTEND_I32_U = 0xad;
export const ANY_ALIGNMENT = 0;
/** Of vectors, behind this prefix. */
export const SIMD = 0xfd;
export const V128 = 0x7b;
export const V128_LOAD = 0x00;
export const I8X16_SPLAT = 0x0f;
export const I8X16_EQ = 0x23;
export const I8X16_LE_U = 0x2a;
export const V128_ANDNOT = 0x4f;
export const V128_OR = 0x50;
export const V128_ANY_TRUE = 0x53;
export const I8X16_BITMASK = 0x64;
export const I8X16_SUB = 0x71;
export const I8X16_SUB_SAT_U = 0x73;

const [TYPE, IMPORT, FUNCTION, EXPORT, CODE] = [1, 2, 3, 7, 10] as const;
const [NAME_M, NAME_F] = [0x6d, 0x66] as const;

/** The parameters of the function: from which address, up to which, and where what is found is written. */
export const AT = 0;
const LAST = 1;
const OUT = 2;

/**
 * A module of one function `f(at, last, out)`; it imports its memory, `m.m`. It goes from `at` to `last` in steps, and
 * returns where it stopped writing.
 * @param begin its locals, and what is done once
 * @param each what is done at each step
 */
export function searchModule(begin: readonly number[], each: readonly number[], step: number): Uint8Array {
  return moduleOf([
    ...begin,
    ...[BLOCK, NO_RESULT, LOOP, NO_RESULT],
    ...[LOCAL_GET, AT, LOCAL_GET, LAST, I32_GE_U, BRANCH_IF, 1],
    ...each,
    ...[...add(AT, step), BRANCH, 0, END, END],
    ...[LOCAL_GET, OUT, END],
  ]);
}

/** Writes the address that is so much behind `at`. */
export function tellAddress(behind: number): number[] {
  const address = behind === 0 ? [LOCAL_GET, AT] : [LOCAL_GET, AT, I32_CONST, ...signed(behind), I32_ADD];
  return [LOCAL_GET, OUT, ...address, I32_STORE, ANY_ALIGNMENT, 0, ...add(OUT, 4)];
}

function moduleOf(body: readonly number[]): Uint8Array {
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(TYPE, [1, 0x60, 3, I32, I32, I32, 1, I32]),
    ...section(IMPORT, [1, 1, NAME_M, 1, NAME_M, 2, 0, 1]),
    ...section(FUNCTION, [1, 0]),
    ...section(EXPORT, [1, 1, NAME_F, 0, 0]),
    ...section(CODE, [1, ...unsigned(body.length), ...body]),
  ]);
}

/** Adds a number to a local. */
function add(local: number, number: number): number[] {
  return [LOCAL_GET, local, I32_CONST, ...signed(number), I32_ADD, LOCAL_SET, local];
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

/** LEB128. */
export function unsigned(number: number): number[] {
  return number < 0x80 ? [number] : [(number & 0x7f) | 0x80, ...unsigned(number >>> 7)];
}

export function signed(number: number): number[] {
  const isLast = number >= -0x40 && number < 0x40;
  return isLast ? [number & 0x7f] : [(number & 0x7f) | 0x80, ...signed(number >> 7)];
}
