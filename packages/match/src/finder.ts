import { maskText } from './mask-text.ts';
import { type Matcher, memoryFor, soughtValues, wipeMatcher } from './matcher.ts';
import { makeRedactor } from './redactor.ts';
import { makeSearch, type Search } from './search.ts';

/** Looks for values, and gives none out: wherever they are kept. */
export interface Finder {
  /** There is nothing to look for. */
  readonly isEmpty: boolean;
  /** For one blob. */
  search(): Search;
  /** A text, whole, with every value replaced by its mark. */
  mask(text: string): string;
  /** Bytes that need be no text, likewise. */
  maskBytes(bytes: Uint8Array): Uint8Array;
  /** Memory in which texts are looked through without being copied; undefined where there is none. */
  memory(bytes: number): Uint8Array<ArrayBuffer> | undefined;
  /** The names of values that are too short to have a spelling that is looked for. */
  unwatched(): readonly string[];
  /** It finds nothing any more. */
  wipe(): void;
}

/** Takes the matcher over. */
export function makeFinder(matcher: Matcher): Finder {
  return {
    isEmpty: matcher.empty,
    search: () => makeSearch(matcher),
    mask: (text) => maskText(text, matcher),
    maskBytes(bytes) {
      const redactor = makeRedactor(matcher);
      const settled = Uint8Array.from(redactor.push(bytes));
      const rest = redactor.end();
      const whole = new Uint8Array(settled.length + rest.length);
      whole.set(settled);
      whole.set(rest, settled.length);
      return whole;
    },
    memory: (bytes) => memoryFor(matcher, bytes),
    unwatched() {
      const sought = soughtValues(matcher);
      return matcher.names.flatMap((group, value) => (sought.has(value) ? [] : group));
    },
    wipe: () => wipeMatcher(matcher),
  };
}
