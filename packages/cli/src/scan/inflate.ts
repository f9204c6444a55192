import {
  DISTANCE_BASE,
  DISTANCE_EXTRA,
  FIXED_DISTANCES,
  FIXED_LITERALS,
  LENGTH_BASE,
  LENGTH_EXTRA,
} from './deflate-tables.ts';
import { type HuffmanCode, lookUp, makeHuffmanCode } from './huffman.ts';
import { readCodes } from './huffman-codes.ts';

/**
 * Deflate (RFC 1951) undone in pieces and in bounded memory. Node's own does it whole, or in another
 * thread and later; a scan needs it here and now, and must know the byte where the stream ends.
 */
export interface Inflate {
  /** Takes `piece` from `at` on; returns where it stopped, which is before its end only in another state than `going`. */
  feed(piece: Uint8Array, at: number): number;
  /** The input is over: gives out what came before it broke off. */
  end(): void;
  readonly state: 'going' | 'ended' | 'damaged' | 'stopped';
}

/** Gets what came out, in its own buffer that is used again; false stops it all. */
export type Emit = (piece: Uint8Array) => boolean;

const WINDOW = 32 * 1024;
/** What an inflate works in: what lies behind, and what is to be given out. */
export const INFLATE_BYTES = WINDOW + 128 * 1024;
const LONGEST_COPY = 258;
const END_OF_BLOCK = 256;

type Step = 'more' | 'next' | 'damaged' | 'stopped';

/** `out`: INFLATE_BYTES to work in, for whoever undoes many streams one after the other. */
export function makeInflate(emit: Emit, out = new Uint8Array(INFLATE_BYTES)): Inflate {
  let filled = 0;
  let emitted = 0;
  /** What is read: the unread end of what came before, then the piece. */
  let input: Uint8Array = new Uint8Array(0);
  let joined = new Uint8Array(0);
  let at = 0;
  let hold = 0;
  let bits = 0;
  let phase: 'block' | 'stored' | 'codes' | 'over' = 'block';
  let isLast = false;
  let stored = 0;
  let literals: HuffmanCode | undefined;
  let distances: HuffmanCode | undefined;
  let state: Inflate['state'] = 'going';

  function join(unread: Uint8Array, piece: Uint8Array): Uint8Array {
    if (unread.length === 0) return piece;
    const length = unread.length + piece.length;
    if (joined.length < length) joined = new Uint8Array(length);
    joined.set(unread);
    joined.set(piece, unread.length);
    return joined.subarray(0, length);
  }

  /** True if there are so many bits; never reads more than it must, but for whole bytes that can be given back. */
  function fill(wanted: number): boolean {
    while (bits < wanted) {
      if (at === input.length) return false;
      hold |= (input[at] as number) << bits;
      at += 1;
      bits += 8;
    }
    return true;
  }

  function take(wanted: number): number {
    const value = hold & ((1 << wanted) - 1);
    hold >>>= wanted;
    bits -= wanted;
    return value;
  }

  function flush(): boolean {
    const going = emitted === filled || emit(out.subarray(emitted, filled));
    // At its end the piece stays as it was given out.
    if (filled > WINDOW && phase !== 'over') {
      out.copyWithin(0, filled - WINDOW, filled);
      filled = WINDOW;
    }
    emitted = filled;
    return going;
  }

  function startBlock(): Step {
    if (!fill(3)) return 'more';
    isLast = take(1) === 1;
    const kind = take(2);
    if (kind === 0) return startStored();
    if (kind === 1) {
      literals = makeHuffmanCode(FIXED_LITERALS);
      distances = makeHuffmanCode(FIXED_DISTANCES);
      phase = 'codes';
      return 'next';
    }
    return kind === 2 ? startDynamic() : 'damaged';
  }

  function startStored(): Step {
    take(bits & 7);
    if (!fill(16)) return 'more';
    stored = take(16);
    if (!fill(16)) return 'more';
    if (take(16) !== (~stored & 0xffff)) return 'damaged';
    phase = 'stored';
    return 'next';
  }

  function startDynamic(): Step {
    const codes = readCodes({ fill, take, peek: () => hold, have: () => bits });
    if (codes === 'more' || codes === 'damaged') return codes;
    ({ literals, distances } = codes);
    phase = 'codes';
    return 'next';
  }

  function copyStored(): Step {
    while (stored > 0) {
      if (bits >= 8) {
        if (filled === INFLATE_BYTES && !flush()) return 'stopped';
        out[filled] = take(8);
        filled += 1;
        stored -= 1;
        continue;
      }
      const length = Math.min(stored, input.length - at, INFLATE_BYTES - filled);
      if (length === 0) {
        if (at === input.length) return 'more';
        if (!flush()) return 'stopped';
        continue;
      }
      out.set(input.subarray(at, at + length), filled);
      at += length;
      filled += length;
      stored -= length;
    }
    return endBlock();
  }

  function endBlock(): Step {
    phase = isLast ? 'over' : 'block';
    return 'next';
  }

  /** The hot loop: everything it needs in its own variables, and put back to the last whole symbol when input ends. */
  function copyCodes(literal: HuffmanCode, distance: HuffmanCode): Step {
    const bytes = input;
    const end = bytes.length;
    let from = at;
    let held = hold;
    let have = bits;
    let to = filled;
    let safeFrom: number;
    let safeHeld: number;
    let safeHave: number;
    let step: Step;
    for (;;) {
      safeFrom = from;
      safeHeld = held;
      safeHave = have;
      if (to + LONGEST_COPY > INFLATE_BYTES) {
        filled = to;
        if (!flush()) return 'stopped';
        to = filled;
      }
      while (have < 25 && from < end) {
        held |= (bytes[from] as number) << have;
        from += 1;
        have += 8;
      }
      let entry = literal.quick[held & 1023] as number;
      if (entry === 0) entry = lookUp(literal, held);
      let used = entry & 15;
      if (entry === 0 || used > have) {
        step = have < 15 ? 'more' : 'damaged';
        break;
      }
      held >>>= used;
      have -= used;
      let symbol = entry >>> 4;
      if (symbol < END_OF_BLOCK) {
        out[to] = symbol;
        to += 1;
        continue;
      }
      if (symbol === END_OF_BLOCK) {
        safeFrom = from;
        safeHeld = held;
        safeHave = have;
        step = endBlock();
        break;
      }
      symbol -= 257;
      if (symbol >= LENGTH_BASE.length) {
        step = 'damaged';
        break;
      }
      used = LENGTH_EXTRA[symbol] as number;
      if (used > have) {
        step = 'more';
        break;
      }
      const length = (LENGTH_BASE[symbol] as number) + (held & ((1 << used) - 1));
      held >>>= used;
      have -= used;
      while (have < 25 && from < end) {
        held |= (bytes[from] as number) << have;
        from += 1;
        have += 8;
      }
      entry = distance.quick[held & 1023] as number;
      if (entry === 0) entry = lookUp(distance, held);
      used = entry & 15;
      if (entry === 0 || used > have) {
        step = have < 15 ? 'more' : 'damaged';
        break;
      }
      held >>>= used;
      have -= used;
      symbol = entry >>> 4;
      used = DISTANCE_EXTRA[symbol] as number;
      while (have < used && from < end) {
        held |= (bytes[from] as number) << have;
        from += 1;
        have += 8;
      }
      if (used > have) {
        step = 'more';
        break;
      }
      const back = (DISTANCE_BASE[symbol] as number) + (held & ((1 << used) - 1));
      held >>>= used;
      have -= used;
      if (back > to) {
        step = 'damaged';
        break;
      }
      for (let source = to - back, stop = to + length; to < stop; source += 1, to += 1) out[to] = out[source] as number;
    }
    at = safeFrom;
    hold = safeHeld;
    bits = safeHave;
    filled = to;
    return step;
  }

  function stepOn(): Step {
    const kept = { at, hold, bits };
    if (phase === 'stored') return copyStored();
    if (phase === 'codes') return copyCodes(literals as HuffmanCode, distances as HuffmanCode);
    const step = startBlock();
    if (step === 'more') ({ at, hold, bits } = kept);
    return step;
  }

  return {
    get state() {
      return state;
    },
    end() {
      phase = 'over';
      if (state === 'going' || state === 'damaged') flush();
    },
    feed(piece, from) {
      const before = input.length;
      input = join(input, piece.subarray(from));
      at = 0;
      while (state === 'going') {
        const step = stepOn();
        if (step === 'more') {
          // Not slice(): of a Buffer that is a view.
          input = Uint8Array.from(input.subarray(at));
          return piece.length;
        }
        if (step !== 'next') state = step;
        else if (phase === 'over') state = flush() ? 'ended' : 'stopped';
      }
      // Whole bytes that were read ahead belong to whoever comes next.
      const surplus = bits >> 3;
      return from + Math.max(0, at - surplus - before);
    },
  };
}
