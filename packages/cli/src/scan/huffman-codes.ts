import { LENGTHS_ORDER } from './deflate-tables.ts';
import { type HuffmanCode, lookUp, makeHuffmanCode } from './huffman.ts';

/** Bits of what has come so far. */
export interface BitSource {
  /** True if there are so many. */
  fill(wanted: number): boolean;
  /** Of those that there are. */
  take(wanted: number): number;
  peek(): number;
  have(): number;
}

export interface Codes {
  readonly literals: HuffmanCode;
  readonly distances: HuffmanCode;
}

/** The codes that a block brings (RFC 1951, 3.2.7); `more` where they have not come whole. */
export function readCodes({ fill, take, peek, have }: BitSource): Codes | 'more' | 'damaged' {
  if (!fill(14)) return 'more';
  const literalCount = take(5) + 257;
  const distanceCount = take(5) + 1;
  const lengthCount = take(4) + 4;
  if (literalCount > 286 || distanceCount > 30) return 'damaged';
  const ofLengths = new Uint8Array(LENGTHS_ORDER.length);
  for (let index = 0; index < lengthCount; index += 1) {
    if (!fill(3)) return 'more';
    ofLengths[LENGTHS_ORDER[index] as number] = take(3);
  }
  const code = makeHuffmanCode(ofLengths);
  if (code === undefined) return 'damaged';
  const lengths = new Uint8Array(literalCount + distanceCount);
  for (let index = 0; index < lengths.length; ) {
    fill(14);
    const entry = lookUp(code, peek());
    const used = entry & 15;
    if (entry === 0 || used > have()) return have() < 7 ? 'more' : 'damaged';
    const symbol = entry >>> 4;
    const extra = symbol < 16 ? 0 : symbol === 16 ? 2 : symbol === 17 ? 3 : 7;
    if (used + extra > have()) return 'more';
    take(used);
    if (symbol < 16) {
      lengths[index] = symbol;
      index += 1;
      continue;
    }
    const times = take(extra) + (symbol === 18 ? 11 : 3);
    if (index + times > lengths.length || (symbol === 16 && index === 0)) return 'damaged';
    if (symbol === 16) lengths.fill(lengths[index - 1] as number, index, index + times);
    index += times;
  }
  const literals = makeHuffmanCode(lengths.subarray(0, literalCount));
  const distances = makeHuffmanCode(lengths.subarray(literalCount));
  return literals === undefined || distances === undefined ? 'damaged' : { literals, distances };
}
