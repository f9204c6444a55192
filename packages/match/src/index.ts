export { makeAnsiRedactor } from './ansi-redactor.ts';
export { maskText } from './mask-text.ts';
export { type Matcher, makeMatcher, memoryFor, soughtValues, wipeMatcher } from './matcher.ts';
export { makeRedactor, markOf, type Redactor } from './redactor.ts';
export { type Match, makeSearch, type Search } from './search.ts';
export type { SpellingKind } from './speller.ts';
export { MIN_VALUE_BYTES, type NamedValue } from './spellings.ts';
export { makeTextMask } from './text-mask.ts';
