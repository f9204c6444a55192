import { existsSync } from 'node:fs';
import path from 'node:path';
import { HaspError } from '@hasp/core';
import { GitFailure, type GitPlace, gitOutput } from './process.ts';

/** Where the repository keeps what, all absolute. */
export interface HookPlace {
  /** Shared by all work trees. */
  readonly common: string;
  /** Where git starts hooks: the top of the work tree; of a bare repository the repository. */
  readonly top: string;
  /** Where git looks for hooks now. */
  readonly folder: string;
  /** As it is set, with `~` replaced; undefined where nothing is set. */
  readonly setting: { readonly value: string; readonly scope: string } | undefined;
}

/** @throws HaspError E_USAGE outside of a repository, and where the place is given for one command only */
export async function findHookPlace(place: GitPlace): Promise<HookPlace> {
  const common = await answer(place, ['rev-parse', '--git-common-dir']);
  if (common === undefined)
    throw new HaspError('E_USAGE', 'not in a git repository', 'go to one, or: hasp hook install --global');
  const isBare = (await answer(place, ['rev-parse', '--is-bare-repository'])) === 'true';
  const top = isBare ? undefined : await answer(place, ['rev-parse', '--show-toplevel']);
  const absolute = path.resolve(place.cwd, common);
  const setting = await findSetting(place);
  if (setting?.scope === 'command') {
    throw new HaspError('E_USAGE', 'core.hooksPath is set for this command only', 'set it in a file, or leave it out');
  }
  const start = top ?? absolute;
  // Node would make and read another folder than git does.
  if (`${absolute}${start}${setting?.value ?? ''}`.includes('\ufffd')) {
    throw new HaspError(
      'E_USAGE',
      'the path of this repository is not valid UTF-8',
      'put the hooks in by hand: see hasp hook pre-commit --help',
    );
  }
  const folder = setting === undefined ? path.join(absolute, 'hooks') : path.resolve(start, setting.value);
  return { common: absolute, top: start, folder, setting };
}

async function findSetting(place: GitPlace): Promise<HookPlace['setting']> {
  const asked = ['config', '-z', '--show-scope', '--type=path', '--get', 'core.hooksPath'];
  const [scope, value] = ((await answer(place, asked)) ?? '').split('\0');
  return scope && value ? { scope, value } : undefined;
}

/** Undefined where git has nothing to say. */
export async function answer(place: GitPlace, argv: readonly string[]): Promise<string | undefined> {
  try {
    return (await gitOutput(place, argv)).toString('utf8').replace(/\n$/, '');
  } catch (error) {
    if (error instanceof GitFailure) return undefined;
    throw error;
  }
}

/** Who else keeps the hooks of this repository. */
export type Keeper = 'nobody' | 'husky' | 'lefthook' | 'committed';

const LEFTHOOK = ['lefthook', '.lefthook', '.config/lefthook'].flatMap((name) =>
  ['yml', 'yaml', 'toml', 'json', 'jsonc'].map((ending) => `${name}.${ending}`),
);

export async function keeperOf(place: GitPlace, { common, top, folder, setting }: HookPlace): Promise<Keeper> {
  const inside = path.relative(top, folder);
  if (/^\.husky(?:\/_)?$/.test(inside) || existsSync(path.join(folder, 'husky.sh'))) return 'husky';
  if (LEFTHOOK.some((name) => existsSync(path.join(top, name)))) return 'lefthook';
  if (setting === undefined || folder === path.join(common, 'hooks')) return 'nobody';
  // Files that belong to everybody, or to every repository of this person, are not for this machine’s paths.
  if (setting.scope !== 'local' && setting.scope !== 'worktree') return 'committed';
  const isInside = inside !== '' && !inside.startsWith('..') && !path.isAbsolute(inside);
  const tracked = isInside ? await answer({ ...place, cwd: top }, ['ls-files', '--', `:(top,literal)${inside}`]) : '';
  return tracked ? 'committed' : 'nobody';
}
