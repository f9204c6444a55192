import { MIN_VALUE_BYTES, type NamedValue } from '@hasp/match';

/** The values that are looked for, and how they are called. */
export interface WatchedValues {
  /** Each once. */
  readonly values: readonly NamedValue[];
  /** By the name of a match: every secret that has this value. */
  readonly secrets: ReadonlyMap<string, readonly string[]>;
  /** What is too short to be looked for. */
  readonly unwatched: readonly string[];
}

export function watchedValues(managed: readonly NamedValue[]): WatchedValues {
  const isLong = ({ bytes }: NamedValue): boolean => bytes.length >= MIN_VALUE_BYTES;
  const values: NamedValue[] = [];
  const secrets = new Map<string, string[]>();
  for (const each of managed.filter(isLong).sort((a, b) => Buffer.compare(a.bytes, b.bytes))) {
    const last = values.at(-1);
    if (last !== undefined && Buffer.compare(last.bytes, each.bytes) === 0) {
      secrets.get(last.name)?.push(each.name);
    } else {
      values.push(each);
      secrets.set(each.name, [each.name]);
    }
  }
  return { values, secrets, unwatched: managed.filter((each) => !isLong(each)).map(({ name }) => name) };
}
