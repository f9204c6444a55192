import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Finder } from '@hasp/match';
import { cleanMessage, withoutBlankSpace } from './commit-message.ts';
import type { ObjectHit } from './inspect.ts';
import { type Leak, shown } from './leak.ts';
import { GitFailure, type GitPlace, gitOutput } from './process.ts';
import { startPushed } from './pushed.ts';
import type { PushedRef } from './pushed-refs.ts';
import { type ObjectScan, scanObjects, scanText, unreadable } from './scan-objects.ts';
import { type StagedEntry, startStaged } from './staged.ts';

/** A look that has begun: git runs while the vault is opened. */
export interface HookScan {
  /** `progress`, where there may be many: how many objects were begun. */
  scan(finder: Finder, progress?: (objects: number) => void): Promise<ObjectScan>;
  stop(): void;
}

/** What is staged: contents, paths, and who is to be the author. */
export function startCommitScan(place: GitPlace): HookScan {
  const staged = startStaged(place);
  return {
    stop: staged.stop,
    async scan(finder) {
      const entries = await staged.entries;
      const pathsOf = pathsByBlob(entries);
      const inAllPlaces = (hit: ObjectHit): ObjectHit[] =>
        (pathsOf.get(hit.oid) ?? []).map((path) => ({ ...hit, path }));
      const { leaks, skipped, counted } = await scanObjects(place, finder, staged.read, { rename: inAllPlaces });
      const named = skipped.map((note) => ({ ...note, path: pathsOf.get(note.oid)?.[0] }));
      return {
        leaks: [...inIdentities(place, finder), ...inPaths(entries, finder), ...leaks],
        skipped: named,
        counted,
      };
    },
  };
}

function pathsByBlob(entries: readonly StagedEntry[]): ReadonlyMap<string, readonly Buffer[]> {
  const paths = new Map<string, Buffer[]>();
  for (const { blob, path } of entries) {
    if (blob !== undefined) paths.set(blob, [...(paths.get(blob) ?? []), path]);
  }
  return paths;
}

function inPaths(entries: readonly StagedEntry[], finder: Finder): Leak[] {
  return entries.flatMap((entry) =>
    scanText(finder, entry.path, 'name').map((leak) => ({ ...leak, path: shown(entry.path, finder) })),
  );
}

/** git tells the hook who it will write down. */
function inIdentities({ environment }: GitPlace, finder: Finder): Leak[] {
  const names = ['GIT_AUTHOR_NAME', 'GIT_AUTHOR_EMAIL', 'GIT_COMMITTER_NAME', 'GIT_COMMITTER_EMAIL'];
  return names.flatMap((name) => {
    const where = name.startsWith('GIT_AUTHOR') ? 'author' : 'committer';
    return scanText(finder, Buffer.from(environment.get(name) ?? ''), where);
  });
}

/** The message, as git will keep it. */
export function startMessageScan(place: GitPlace, file: string): HookScan {
  const settings = readSettings(place);
  settings.catch(() => {});
  return {
    stop: () => {},
    async scan(finder) {
      const whole = readMessage(path.resolve(place.cwd, file));
      const { mode, comment } = await settings;
      const message = cleanMessage(whole, { mode, comment, isEdited: place.environment.get('GIT_EDITOR') !== ':' });
      const looked = [message, withoutBlankSpace(message)];
      const leaks = looked.flatMap((text) => scanText(finder, Buffer.from(text, 'latin1'), 'message'));
      const first = new Map(leaks.map((leak) => [leak.secret, leak]).reverse() as [string, Leak][]);
      return { leaks: [...first.values()], skipped: [], counted: { objects: 0, bytes: whole.length } };
    },
  };
}

function readMessage(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    throw unreadable(`the message ${file}`);
  }
}

async function readSettings(place: GitPlace): Promise<{ mode: string; comment: string }> {
  let output = '';
  try {
    const asked = '^(commit\\.cleanup|core\\.comment(char|string))$';
    output = (await gitOutput(place, ['config', '-z', '--get-regexp', asked])).toString('latin1');
  } catch (error) {
    if (!(error instanceof GitFailure && error.status === 1)) throw error;
  }
  const settings = new Map(
    output.split('\0').map((entry) => {
      const [key = '', ...value] = entry.split('\n');
      return [key, value.join('\n')] as const;
    }),
  );
  return {
    mode: settings.get('commit.cleanup') || 'default',
    comment: settings.get('core.commentstring') || settings.get('core.commentchar') || '#',
  };
}

/** What a push would send, and the names it would have there. */
export function startPushScan(
  place: GitPlace,
  refs: readonly PushedRef[],
  target: { readonly remote: string; readonly url: string },
): HookScan {
  const pushed = startPushed(place, refs, target);
  return {
    stop: pushed.stop,
    async scan(finder) {
      const inNames = refs
        .filter(({ newOid }) => newOid !== undefined)
        .flatMap(({ remoteRef }) =>
          scanText(finder, Buffer.from(remoteRef), 'ref').map((leak) => ({
            ...leak,
            path: finder.mask(remoteRef),
          })),
        );
      const { leaks, ...others } = await scanObjects(place, finder, pushed.read);
      return { leaks: [...inNames, ...leaks], ...others };
    },
  };
}
