import type { LeakPlace } from '@hasp/core';
import { type Matcher, maskText } from '@hasp/match';
import type { Context } from '../context.ts';
import type { LockedHome } from '../stores.ts';
import type { Leak } from './leak.ts';
import { gitOutput } from './process.ts';

/** Writes what a hook decided into the log, which needs no open vault. @throws HaspError E_AUDIT_WRITE, E_CHAIN_BROKEN */
export interface LeakRecord {
  blocked(leaks: readonly Leak[], matcher: Matcher | undefined, failure?: string): Promise<void>;
  allowed(leaks: readonly Leak[], reason: string, matcher: Matcher, failure?: string): Promise<void>;
}

/** A record has 64 KiB at most. */
const MOST_PLACES = 40;
const LONGEST_TEXT = 512;

export function leakRecorder(home: LockedHome, hook: string, context: Context): LeakRecord {
  const facts = async (leaks: readonly Leak[], matcher: Matcher | undefined, failure?: string) => ({
    hook,
    repository: short(matcher === undefined ? '' : maskText(await repositoryOf(context), matcher)),
    secrets: [...new Set(leaks.map(({ secret }) => secret.replace(/@[0-9]+$/, '')))].slice(0, MOST_PLACES),
    places: leaks.slice(0, MOST_PLACES).map(asPlace),
    count: leaks.length,
    ...(failure === undefined ? {} : { failure }),
  });
  return {
    async blocked(leaks, matcher, failure) {
      home.log.append([{ type: 'leak.blocked', ...(await facts(leaks, matcher, failure)) }]);
    },
    async allowed(leaks, reason, matcher, failure) {
      home.log.append([{ type: 'leak.allowed', ...(await facts(leaks, matcher, failure)), reason: short(reason) }]);
    },
  };
}

function asPlace({ secret, spelling, where, path, line, commit, blob, tag }: Leak): LeakPlace {
  return {
    secret,
    spelling,
    where,
    ...(path === undefined ? {} : { path: short(path) }),
    ...(line === undefined ? {} : { line }),
    ...(commit === undefined ? {} : { commit }),
    ...(blob === undefined ? {} : { blob }),
    ...(tag === undefined ? {} : { tag }),
  };
}

function short(text: string): string {
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text;
}

/** Its folder; where git can't tell, the one we are in. */
async function repositoryOf({ cwd, environment }: Context): Promise<string> {
  for (const question of ['--show-toplevel', '--absolute-git-dir']) {
    try {
      const folder = (await gitOutput({ cwd, environment }, ['rev-parse', question]))
        .toString('utf8')
        .replace(/\n$/, '');
      if (folder !== '') return folder;
    } catch {
      // Bare, or broken.
    }
  }
  return cwd;
}
