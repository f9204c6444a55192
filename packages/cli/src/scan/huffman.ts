/** Codes of up to this many bits are found by one look; longer ones are rare by their nature. */
const QUICK_BITS = 10;
const QUICK_MASK = (1 << QUICK_BITS) - 1;
const MAX_BITS = 15;

/** One code of a deflate block (RFC 1951, 3.2.2). */
export interface HuffmanCode {
  /** By the next 10 bits: symbol << 4 | length; 0 where the code is longer. */
  readonly quick: Uint16Array;
  readonly count: Uint16Array;
  readonly symbols: Uint16Array;
}

/** Undefined where no such code can be: more codes than there is room for. */
export function makeHuffmanCode(lengths: Uint8Array): HuffmanCode | undefined {
  const count = new Uint16Array(MAX_BITS + 1);
  for (const length of lengths) count[length] = (count[length] as number) + 1;
  count[0] = 0;
  const offsets = new Uint16Array(MAX_BITS + 2);
  const next = new Uint16Array(MAX_BITS + 2);
  let room = 1;
  for (let length = 1; length <= MAX_BITS; length += 1) {
    room = room * 2 - (count[length] as number);
    if (room < 0) return undefined;
    offsets[length + 1] = (offsets[length] as number) + (count[length] as number);
    next[length + 1] = ((next[length] as number) + (count[length] as number)) << 1;
  }
  const symbols = new Uint16Array(lengths.length);
  const quick = new Uint16Array(1 << QUICK_BITS);
  for (let symbol = 0; symbol < lengths.length; symbol += 1) {
    const length = lengths[symbol] as number;
    if (length === 0) continue;
    const offset = offsets[length] as number;
    symbols[offset] = symbol;
    offsets[length] = offset + 1;
    const code = next[length] as number;
    next[length] = code + 1;
    if (length > QUICK_BITS) continue;
    const entry = (symbol << 4) | length;
    for (let at = reversed(code, length); at <= QUICK_MASK; at += 1 << length) quick[at] = entry;
  }
  return { quick, count, symbols };
}

/** The symbol that `bits` begins with, as symbol << 4 | length, or 0 if there is none. */
export function lookUp({ quick, count, symbols }: HuffmanCode, bits: number): number {
  const entry = quick[bits & QUICK_MASK] as number;
  if (entry !== 0) return entry;
  let code = 0;
  let first = 0;
  let index = 0;
  for (let length = 1; length <= MAX_BITS; length += 1) {
    code |= (bits >>> (length - 1)) & 1;
    const many = count[length] as number;
    if (code - many < first) return ((symbols[index + code - first] as number) << 4) | length;
    index += many;
    first = (first + many) << 1;
    code <<= 1;
  }
  return 0;
}

function reversed(code: number, length: number): number {
  let turned = 0;
  for (let bit = 0; bit < length; bit += 1) turned |= ((code >>> bit) & 1) << (length - 1 - bit);
  return turned;
}
