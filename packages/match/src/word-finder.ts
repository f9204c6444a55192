import { DENSE_BYTES, DENSE_REACH, DENSE_STEP, DENSE_STRIDE, denseFinderCode } from './dense-finder-code.ts';
import { finderCode, GROUP } from './word-finder-code.ts';

/** The part of it that is used. */
declare const WebAssembly: {
  readonly Memory: new (size: { initial: number }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (code: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: object,
  ) => {
    readonly exports: { readonly f: Find };
  };
};

/** Looks through what lies from one address to another, and writes what it finds to a third. Returns where it stopped writing. */
type Find = (at: number, end: number, out: number) => number;

const PAGE = 65_536;
const WORD = 4;
/** So much is looked through at a time. */
const BLOCK_BYTES = 65_536;
/** For what is read right into its memory: untouched, it takes none. */
const LENT_BYTES = 2_097_152;
const LENT_ALIGNMENT = 64;
const MASK_BITS = 10;
const MASK_BYTES = 4 << MASK_BITS;
/** The smallest stride has the most groups. */
const OUT_BYTES = BLOCK_BYTES / GROUP;

/** From `+` to `z`. */
const DENSE = [0x2b, 0x7a] as const;
/** From line feed to carriage return, and the backslash of an escaped one. */
const LINE_ENDS = { beside: [0x0a, 0x0d], among: 0x5c } as const;

/** Of which words, and how they are looked for: as in a `WordFilter`. */
export interface FinderTable {
  readonly stride: number;
  readonly bloom: Int32Array;
}

/** Words that may be known: [from, to) are indices of `words`, one in each stride. The text lies, or would lie, at address `textAt`. */
export type OnWords = (words: Int32Array, from: number, to: number, textAt: number) => void;

/** The first look of a `WordFilter`, as WebAssembly. Its memory has what was looked through, and a copy of the filter. */
export class WordFinder {
  readonly #find: Find;
  /** Undefined where there are no vectors. */
  readonly #findDense: Find | undefined;
  readonly #words: Int32Array;
  /** All of it. */
  readonly memory: Uint8Array<ArrayBuffer>;
  readonly #stride: number;
  readonly #out: number;
  readonly #block: number;
  #free: number;

  /** @throws where there is no WebAssembly, or no room for its memory */
  constructor({ stride, bloom }: FinderTable, multiplier: number) {
    const masks = bloom.byteLength;
    this.#out = masks + MASK_BYTES;
    this.#block = this.#out + OUT_BYTES;
    this.#free = this.#block + BLOCK_BYTES;
    const memory = new WebAssembly.Memory({ initial: Math.ceil((this.#free + LENT_BYTES) / PAGE) });
    const shift = Math.clz32(bloom.length) + 1;
    this.#find = instantiate(finderCode({ stride, shift, multiplier, masks }), memory);
    this.#findDense = instantiateIfCan(denseFinderCode(DENSE, LINE_ENDS), memory);
    this.#words = new Int32Array(memory.buffer);
    this.memory = new Uint8Array(memory.buffer);
    this.#stride = stride;
    this.#words.set(bloom);
    for (let bits = 0; bits < 1 << MASK_BITS; bits += 1) {
      this.#words[(masks >> 2) + bits] = (1 << bits) | (1 << (bits >> 5));
    }
  }

  /** Memory from which nothing has to be copied, for good; undefined where there is none left. */
  lend(bytes: number): Uint8Array<ArrayBuffer> | undefined {
    const start = this.#free;
    if (start + bytes > this.memory.length) return undefined;
    this.#free = Math.ceil((start + bytes) / LENT_ALIGNMENT) * LENT_ALIGNMENT;
    return this.memory.subarray(start, start + bytes);
  }

  /**
   * Tells, in their order, places from which on digits of base64 and base32, and signs about them, may go on to a line end: one for
   * each line end that has DENSE_BYTES + DENSE_STEP of them before it. False, and nothing is told, where it can't be done so.
   */
  eachDenseEnd(text: Uint8Array, tell: (place: number) => void): boolean {
    if (this.#findDense === undefined) return false;
    const isInPlace = text.buffer === this.memory.buffer;
    let at = 0;
    while (at + DENSE_REACH <= text.length) {
      const length = Math.min(text.length - at, BLOCK_BYTES);
      const steps = 1 + Math.floor((length - DENSE_REACH) / DENSE_STRIDE);
      const start = isInPlace ? text.byteOffset + at : this.#block;
      if (!isInPlace) this.memory.set(text.subarray(at, at + length), start);
      const told = this.#findDense(start, start + steps * DENSE_STRIDE, this.#out) >> 2;
      for (let out = this.#out >> 2; out < told; out += 1) tell((this.#words[out] as number) - start + at);
      at += steps * DENSE_STRIDE;
    }
    for (at += DENSE_BYTES; at < text.length; at += DENSE_STEP) tell(at);
    return true;
  }

  each(text: Uint8Array, tell: OnWords): void {
    if (text.buffer === this.memory.buffer) {
      this.#eachInPlace(text, tell);
      return;
    }
    for (let at = 0; at < text.length; at += BLOCK_BYTES) {
      const block = text.subarray(at, at + BLOCK_BYTES);
      this.memory.set(block, this.#block);
      this.#look(this.#block, block.length, this.#block - at, tell);
    }
  }

  #eachInPlace({ byteOffset, length }: Uint8Array, tell: OnWords): void {
    const end = byteOffset + length;
    for (let at = Math.ceil(byteOffset / WORD) * WORD; at < end; at += BLOCK_BYTES) {
      this.#look(at, Math.min(end - at, BLOCK_BYTES), byteOffset, tell);
    }
  }

  /** `start` is a multiple of a word. */
  #look(start: number, length: number, textAt: number, tell: OnWords): void {
    const group = GROUP * this.#stride;
    const end = start + length - (length % group);
    const told = this.#find(start, end, this.#out) >> 2;
    for (let out = this.#out >> 2; out < told; out += 1) {
      const found = this.#words[out] as number;
      tell(this.#words, found >> 2, (found + group) >> 2, textAt);
    }
    tell(this.#words, end >> 2, (start + length) >> 2, textAt);
  }

  /** But for what was lent: a write of it may be under way. */
  wipe(): void {
    this.memory.fill(0, 0, this.#block + BLOCK_BYTES);
  }
}

function instantiate(code: Uint8Array, memory: object): Find {
  return new WebAssembly.Instance(new WebAssembly.Module(code), { m: { m: memory } }).exports.f;
}

function instantiateIfCan(code: Uint8Array, memory: object): Find | undefined {
  try {
    return instantiate(code, memory);
  } catch {
    return undefined;
  }
}

/** What has been looked through for a table, and by what. */
interface Finding {
  bytes: number;
  /** Undefined until it pays, null where there can be none. */
  finder: WordFinder | undefined | null;
}

const findings = new WeakMap<FinderTable, Finding>();
const IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** To make one takes half a millisecond: it is made once so much was looked through. */
const LEAST_BYTES = 262_144;
/** A shorter text is looked through in less time than it is handed over. */
const LEAST_TEXT = 512;

/** For a text of so many bytes; undefined where there is none, or it does not pay. */
export function finderFor(table: FinderTable, bytes: number, multiplier: number): WordFinder | undefined {
  if (bytes < LEAST_TEXT) return undefined;
  let finding = findings.get(table);
  if (finding === undefined) {
    finding = { bytes: 0, finder: IS_LITTLE_ENDIAN ? undefined : null };
    findings.set(table, finding);
  }
  finding.bytes += bytes;
  if (finding.finder === undefined && finding.bytes >= LEAST_BYTES) finding.finder = makeFinder(table, multiplier);
  return finding.finder ?? undefined;
}

function makeFinder(table: FinderTable, multiplier: number): WordFinder | null {
  try {
    return new WordFinder(table, multiplier);
  } catch {
    return null;
  }
}

/** The finder of a table, if there is one already and the text is not too short. */
export function knownFinder(table: FinderTable, bytes: number): WordFinder | undefined {
  return bytes < LEAST_TEXT ? undefined : (findings.get(table)?.finder ?? undefined);
}

/** Memory in which texts for this table are looked through without being copied; undefined where there is none, or not yet. */
export function lentMemory(table: FinderTable, bytes: number): Uint8Array<ArrayBuffer> | undefined {
  return findings.get(table)?.finder?.lend(bytes);
}

/** Overwrites what it has of the table, and of the texts. */
export function wipeFinder(table: FinderTable): void {
  findings.get(table)?.finder?.wipe();
  findings.delete(table);
}
