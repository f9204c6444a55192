import type { LeakPlace } from '@hasp/core';
import type { Finder } from '@hasp/match';
import type { Context } from '../context.ts';
import type { LockedHome } from '../stores.ts';
import type { Leak } from './leak.ts';
import { gitOutput } from './process.ts';

/** Writes what a hook decided into the log, which needs no open vault. @throws HaspError E_AUDIT_WRITE, E_CHAIN_BROKEN */
export interface LeakRecord {
  blocked(leaks: readonly Leak[], finder: Finder | undefined, failure?: string): Promise<void>;
  allowed(leaks: readonly Leak[], reason: string, finder: Finder, failure?: string): Promise<void>;
}

/** A record has 64 KiB at most. */
const MOST_PLACES = 40;
const LONGEST_TEXT = 512;

export function leakRecorder(home: LockedHome, hook: string, context: Context): LeakRecord {
  const facts = async (leaks: readonly Leak[], finder: Finder | undefined, failure?: string) => ({
    hook,
    repository: short(finder === undefined ? '' : finder.mask(await repositoryOf(context))),
    secrets: [...new Set(leaks.map(({ secret }) => secret.replace(/@[0-9]+$/, '')))].slice(0, MOST_PLACES),
    places: leaks.slice(0, MOST_PLACES).map(asPlace),
    count: leaks.length,
    ...(failure === undefined ? {} : { failure }),
  });
  return {
    async blocked(leaks, finder, failure) {
      home.log.append([{ type: 'leak.blocked', ...(await facts(leaks, finder, failure)) }]);
    },
    async allowed(leaks, reason, finder, failure) {
      home.log.append([{ type: 'leak.allowed', ...(await facts(leaks, finder, failure)), reason: short(reason) }]);
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
