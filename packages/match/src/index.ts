export { makeAnsiRedactor } from './ansi-redactor.ts';
export { type Finder, makeFinder } from './finder.ts';
export { maskText } from './mask-text.ts';
export { type Matcher, makeMatcher, wipeMatcher } from './matcher.ts';
export { makeRedactor, markOf, type Redactor } from './redactor.ts';
export { type Match, makeSearch, type Search } from './search.ts';
export type { SpellingKind } from './speller.ts';
export { MIN_VALUE_BYTES, type NamedValue } from './spellings.ts';
export { makeTextMask, type TextMask } from './text-mask.ts';
