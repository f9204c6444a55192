import { Heads } from './heads.ts';
import { maskText } from './mask-text.ts';
import { type Matcher, makeMatcher, wipeMatcher } from './matcher.ts';
import { addPlainSpellings, isPlain, MIN_VALUE_BYTES, type NamedValue } from './spellings.ts';

export interface TextMask {
  mask(text: string): string;
  /** It holds the values in their spellings. Nothing is masked after. */
  wipe(): void;
}

/**
 * Masks short texts, such as arguments of a command line. A matcher takes some milliseconds to make, so
 * it is made for the first text that is not seen to be clean without one. The values must stay as they
 * are as long as texts are masked.
 */
export function makeTextMask(values: readonly NamedValue[]): TextMask {
  const encoder = new TextEncoder();
  const shortest = values.reduce((least, { bytes }) => Math.min(least, shortestOf(bytes)), Number.POSITIVE_INFINITY);
  let plain: Heads | undefined;
  let matcher: Matcher | undefined;
  const mask = (text: string): string => {
    const input = encoder.encode(text);
    if (input.length < shortest) return text;
    if (matcher === undefined && input.every(isPlain)) {
      plain ??= plainHeads(values);
      if (!holdsOneOf(plain, input)) return text;
    }
    matcher ??= makeMatcher(values);
    return maskText(text, matcher);
  };
  const wipe = (): void => {
    plain?.bytes.fill(0);
    if (matcher) wipeMatcher(matcher);
  };
  return { mask, wipe };
}

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SHORTEST_LINE = 16;

/** No spelling of the value is shorter. */
function shortestOf(value: Uint8Array): number {
  if (value.length < MIN_VALUE_BYTES) return Number.POSITIVE_INFINITY;
  // The lines of a longer one have sixteen bytes at least, and newlines may be left out of all of it.
  return value.includes(NEWLINE) || value.includes(CARRIAGE_RETURN)
    ? MIN_VALUE_BYTES
    : Math.min(value.length, SHORTEST_LINE);
}

function plainHeads(values: readonly NamedValue[]): Heads {
  const heads = new Heads();
  for (const [index, { bytes }] of values.entries()) addPlainSpellings(heads, bytes, index);
  return heads;
}

function holdsOneOf({ count, bytes, starts, lengths }: Heads, text: Uint8Array): boolean {
  const buffer = Buffer.from(text.buffer, text.byteOffset, text.length);
  for (let head = 0; head < count; head += 1) {
    const start = starts[head] as number;
    const length = lengths[head] as number;
    if (length <= text.length && buffer.includes(Buffer.from(bytes.buffer, start, length))) return true;
  }
  return false;
}
