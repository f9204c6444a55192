export { maskText } from './mask-text.ts';
export { type Matcher, type MatchListener, makeMatcher, type Scan } from './matcher.ts';
export { makeRedactor, markOf, type Redactor } from './redactor.ts';
export { type Match, makeSearch, type Search } from './search.ts';
export { MIN_VALUE_BYTES, type NamedValue, spellingsOf } from './spellings.ts';
