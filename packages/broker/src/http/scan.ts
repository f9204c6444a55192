import { parseVersionedName } from '@hasp/core';
import { makeSearch, wipeMatcher } from '@hasp/match';
import type { Vault } from '@hasp/vault';
import { managedMatcher } from '../managed-matcher.ts';
import type { Reply } from './reply.ts';
import type { Api, Question } from './route.ts';

/** NAME, or NAME@N where it is an earlier version. */
function shownName(versioned: string, vault: Vault): string {
  const { name, version } = parseVersionedName(versioned);
  return vault.history(name).at(-1)?.version === version ? name : versioned;
}

/** Which values stand in a text, in which spelling, and where; never a value. */
export function scan({ body }: Question, { parts }: Api): Reply {
  const vault = parts.vault();
  const matcher = managedMatcher(vault, parts.engine);
  try {
    const search = makeSearch(matcher);
    search.feed(body, true);
    const findings = search.end().map(({ name, spelling, start }) => ({
      secret: shownName(name, vault),
      spelling,
      offset: start,
    }));
    return { status: 200, json: { findings } };
  } finally {
    wipeMatcher(matcher);
  }
}
