import { renameSync } from 'node:fs';
import path from 'node:path';
import type { Clock, Home, ProcessIdentity } from '@hasp/core';
import { identityOf, isAlive, selfIdentity } from '@hasp/process-tree';
import { discard } from './run-file.ts';

/** What a wrapper leaves in the folder of runs. */
interface Left {
  readonly wrapper: ProcessIdentity;
  /** Milliseconds since 1970. */
  readonly expiresAt?: number;
}

/** The files of one kind, by their names. */
export interface LeftFiles<T extends Left> {
  readonly infix: string;
  readonly state: RegExp;
  readonly claim: RegExp;
  readonly draft: RegExp;
  /** Undefined where the file is gone, or is no state of this kind. */
  readonly read: (file: string) => T | undefined;
}

/** @param infix between the id and the ending: nothing for a run */
export function leftFiles<T extends Left>(infix: string, read: LeftFiles<T>['read']): LeftFiles<T> {
  const named = (ending: string): RegExp => new RegExp(`^([0-9a-f]{16})${infix.replace('.', '\\.')}${ending}$`);
  return {
    infix,
    state: named('\\.json'),
    claim: named('\\.claim\\.([0-9]+)\\.([0-9]+)'),
    draft: named('\\.json\\.([0-9]+)\\.tmp'),
    read,
  };
}

/**
 * Takes a state that nobody owns any more, by renaming its file; undefined where somebody does, or another was
 * faster.
 * @param owned called with one whose owner lives, or may
 */
export function claimLeft<T extends Left>(
  home: Home,
  name: string,
  files: LeftFiles<T>,
  clock: Clock,
  owned: (state: T) => void = () => {},
): { readonly file: string; readonly state: T } | undefined {
  const file = path.join(home.runs, name);
  const claimed = files.claim.exec(name);
  const id = (claimed ?? files.state.exec(name))?.[1];
  if (id === undefined) {
    dropDeadDraft(file, files.draft.exec(name)?.[2], files, clock);
    return undefined;
  }
  const state = files.read(file);
  if (state === undefined) return undefined;
  if (!isOwnerGone(state, claimed, clock)) {
    owned(state);
    return undefined;
  }
  const self = selfIdentity();
  const mine = path.join(home.runs, `${id}${files.infix}.claim.${self.pid}.${self.startTime}`);
  try {
    renameSync(file, mine);
    return { file: mine, state };
  } catch {
    return undefined;
  }
}

/** The wrapper, or who has claimed it since. */
function isOwnerGone(state: Left, claimed: RegExpExecArray | null, clock: Clock): boolean {
  const owner: ProcessIdentity =
    claimed === null ? state.wrapper : { ...selfIdentity(), pid: Number(claimed[2]), startTime: claimed[3] ?? '' };
  const alive = isAlive(owner);
  // Seen from another pid namespace or host nothing is known: the ttl decides.
  return alive === 'elsewhere' ? clock() > (state.expiresAt ?? Number.POSITIVE_INFINITY) : !alive;
}

/** A state that a killed wrapper did not put in place: it had granted nothing more than the one before. */
function dropDeadDraft<T extends Left>(
  file: string,
  pid: string | undefined,
  { read }: LeftFiles<T>,
  clock: Clock,
): void {
  if (pid === undefined) return;
  const state = read(file);
  const isDead = state === undefined ? identityOf(Number(pid)) === undefined : isOwnerGone(state, null, clock);
  if (isDead) discard(file);
}
