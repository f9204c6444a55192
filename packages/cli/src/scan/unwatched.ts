import { type Matcher, soughtValues } from '@hasp/match';

/** The names of values that are too short to have a spelling that is looked for. */
export function unwatchedIn(matcher: Matcher): string[] {
  const sought = soughtValues(matcher);
  return matcher.names.flatMap((group, value) => (sought.has(value) ? [] : group));
}
