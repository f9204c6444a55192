import { existsSync } from 'node:fs';
import path from 'node:path';
import { HaspError } from '@hasp/core';
import { GitFailure, type GitPlace, gitAnswer, gitOutput } from '../git/index.ts';
import { type BytePath, systemPath } from './byte-path.ts';
import { mayLeaveOut } from './git-warnings.ts';

export interface ListedFiles {
  /** "/" behind what is a repository of its own. */
  readonly files: readonly BytePath[];
  /** git could look into every folder. */
  readonly isWhole: boolean;
}

/**
 * The files below a folder that git knows or would add. Undefined where the folder is in no repository, is itself ignored
 * there, or git does not say: then all of it counts.
 */
export async function listedFiles(folder: BytePath, place: GitPlace): Promise<ListedFiles | undefined> {
  const name = systemPath(folder);
  // Node can't start a process in a folder whose name is not text.
  const cwd = path.resolve(place.cwd, name.toString());
  if (typeof name !== 'string' && !Buffer.from(name.toString()).equals(name)) return undefined;
  if (repositoryAbove(cwd) === undefined) return undefined;
  const inside = { cwd, environment: withoutGit(place.environment) };
  try {
    if (!existsSync(path.join(cwd, '.git')) && (await isIgnored(inside))) return undefined;
    const argv = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
    const { output, said } = await gitAnswer(inside, argv);
    const files = output.length === 0 ? [] : output.toString('latin1', 0, output.length - 1).split('\0');
    return { files, isWhole: !mayLeaveOut(said) };
  } catch (error) {
    if (error instanceof HaspError) return undefined;
    throw error;
  }
}

async function isIgnored(place: GitPlace): Promise<boolean> {
  try {
    await gitOutput(place, ['check-ignore', '--quiet', '.']);
    return true;
  } catch (error) {
    if (error instanceof GitFailure && error.status === 1) return false;
    throw error;
  }
}

/** What the environment says may be about another repository. */
export function withoutGit(environment: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return new Map([...environment].filter(([name]) => !name.startsWith('GIT_')));
}

/** The top of the repository that a folder is in. */
export function repositoryAbove(folder: string): string | undefined {
  for (let at = folder; ; at = path.dirname(at)) {
    if (existsSync(path.join(at, '.git'))) return at;
    if (path.dirname(at) === at) return undefined;
  }
}
