import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { HaspError } from '@hasp/core';
import {
  installIntoHusky,
  installIntoLefthook,
  LEFTHOOK_LOCAL,
  uninstallFromHusky,
  uninstallFromLefthook,
} from './foreign-hooks.ts';
import { type Change, installInto, removeFolder, replace, uninstallFrom, writeFolder } from './hook-folder.ts';
import { answer, findHookPlace, type HookPlace, type Keeper, keeperOf } from './hook-place.ts';
import { type Before, GUARDED, guardText, lefthookText, passText } from './hook-text.ts';
import { type GitPlace, gitOutput } from './process.ts';

export interface Installation {
  readonly changes: readonly Change[];
  readonly notes: readonly string[];
  /** To be put by hand into a file that is somebody’s. */
  readonly snippet?: string;
}

/** What git starts, but for the guarded three. `push-to-checkout` changes what git does by being there, so it is left out. */
const OTHERS = [
  ...['applypatch-msg', 'pre-applypatch', 'post-applypatch', 'pre-merge-commit', 'prepare-commit-msg', 'post-commit'],
  ...['pre-rebase', 'post-checkout', 'post-merge', 'pre-receive', 'update', 'post-receive', 'post-update'],
  ...['reference-transaction', 'pre-auto-gc', 'post-rewrite', 'sendemail-validate', 'post-index-change'],
];
const OWN_FOLDER = 'hasp-hooks';
/** Where git looked before, so that it can look there again. */
const STATE = 'before.json';

interface State {
  /** As it was set in this place; missing where nothing was. */
  readonly setting?: string;
  /** The folder that git looked at, wherever that was set; missing where it was the repository's own. */
  readonly folder?: string;
  /** The file of settings was made for this one. */
  readonly madeConfig?: boolean;
}

export async function installHooks(place: GitPlace, hasp: string): Promise<Installation> {
  const found = await findHookPlace(place);
  const own = path.join(found.common, OWN_FOLDER);
  if (found.folder === own) {
    return { changes: writeOwn(own, hasp, beforeAt(readState(own)?.folder)), notes: [] };
  }
  const keeper = await keeperOf(place, found);
  if (keeper === 'nobody') return { changes: installInto(found.folder, hasp), notes: frameworkNotes(found) };
  if (keeper === 'husky') {
    const shims = Object.fromEntries(GUARDED.map((hook) => [hook, guardText(hook, hasp, { kind: 'none' })]));
    return { changes: [...writeFolder(own, shims), ...installIntoHusky(found.folder)], notes: NOTES.husky };
  }
  if (keeper === 'lefthook') return intoLefthook(found, hasp);
  return besideSetting(place, found, {
    folder: own,
    hasp,
    scope: found.setting?.scope === 'worktree' ? '--worktree' : '--local',
  });
}

function intoLefthook({ top }: HookPlace, hasp: string): Installation {
  const { changes, isYours } = installIntoLefthook(top, hasp);
  if (!isYours) return { changes, notes: NOTES.lefthook };
  const notes = [`${LEFTHOOK_LOCAL} is yours: put the lines above into it, then run: lefthook install`];
  return { changes, notes, snippet: lefthookText() };
}

const NOTES: Readonly<Record<Exclude<Keeper, 'nobody'>, readonly string[]>> = {
  husky: ['.husky is committed: whoever else uses it needs hasp hook install, too; with HUSKY=0 nothing is checked'],
  lefthook: [
    'run lefthook install, which reads lefthook-local.yml; with LEFTHOOK=0 nothing is checked, and Git LFS uploads before the check',
  ],
  committed: ['the folder of hooks that was set still works: its hooks are run from the new one'],
};

/** It keeps what it finds in its own way, and hasp what it found: in both orders both run. */
function frameworkNotes({ top }: HookPlace): string[] {
  if (!existsSync(path.join(top, '.pre-commit-config.yaml'))) return [];
  return ['hasp runs beside pre-commit, not below it, where it would see only the first ref of a push'];
}

/** Lets git look at a folder of ours, whose hooks run those of the folder before. */
async function besideSetting(
  place: GitPlace,
  { setting }: Pick<HookPlace, 'setting'>,
  { folder, hasp, scope }: { folder: string; hasp: string; scope: string },
): Promise<Installation> {
  const value = await answer(place, ['config', scope, '--get', 'core.hooksPath']);
  const madeConfig = scope === '--global' && !globalConfigIsThere(place);
  const state: State = {
    ...(value === undefined ? {} : { setting: value }),
    ...(setting === undefined ? {} : { folder: setting.value }),
    ...(madeConfig ? { madeConfig } : {}),
  };
  const changes = writeOwn(folder, hasp, beforeAt(setting?.value));
  replace(path.join(folder, STATE), JSON.stringify(state), 0o600);
  await gitOutput(place, ['config', scope, 'core.hooksPath', folder]);
  return { changes, notes: setting === undefined ? [] : NOTES.committed };
}

function beforeAt(folder: string | undefined): Before {
  return folder === undefined ? { kind: 'repository' } : { kind: 'folder', folder };
}

function writeOwn(folder: string, hasp: string, before: Before): Change[] {
  const guards = GUARDED.map((hook) => [hook, guardText(hook, hasp, before)]);
  return writeFolder(folder, Object.fromEntries([...guards, ...OTHERS.map((hook) => [hook, passText(hook, before)])]));
}

/** For every repository of this person that sets no folder of its own. */
export async function installGlobally(place: GitPlace, folder: string, hasp: string): Promise<Installation> {
  const value = await answer(place, ['config', '--global', '--type=path', '--get', 'core.hooksPath']);
  if (value === folder) {
    return { changes: writeOwn(folder, hasp, beforeAt(readState(folder)?.folder)), notes: [] };
  }
  const setting = value === undefined ? undefined : { value, scope: 'global' };
  const done = await besideSetting(place, { setting }, { folder, hasp, scope: '--global' });
  return {
    ...done,
    notes: [
      ...done.notes,
      'a repository that sets core.hooksPath itself, as with husky, needs hasp hook install of its own',
    ],
  };
}

export async function uninstallHooks(place: GitPlace): Promise<Installation> {
  const found = await findHookPlace(place);
  const own = path.join(found.common, OWN_FOLDER);
  const scope = found.setting?.scope === 'worktree' ? '--worktree' : '--local';
  const changes: Change[] = [];
  if (found.folder === own) changes.push(...(await resetSetting(place, own, scope)));
  const { folder, top, setting } = await findHookPlace(place);
  changes.push(...uninstallFromLefthook(top), ...uninstallFromHusky(folder));
  // A folder for many repositories is not this one's to change.
  const isOurs = setting === undefined || setting.scope === 'local' || setting.scope === 'worktree';
  if (folder !== own && isOurs) changes.push(...uninstallFrom(folder));
  const usual = path.join(found.common, 'hooks');
  if (folder !== usual && existsSync(usual)) changes.push(...uninstallFrom(usual));
  return { changes: [...changes, ...removeFolder(own)], notes: [] };
}

export async function uninstallGlobally(place: GitPlace, folder: string): Promise<Installation> {
  const value = await answer(place, ['config', '--global', '--type=path', '--get', 'core.hooksPath']);
  const reset = value === folder ? await resetSetting(place, folder, '--global') : [];
  return { changes: [...reset, ...removeFolder(folder)], notes: [] };
}

async function resetSetting(place: GitPlace, folder: string, scope: string): Promise<Change[]> {
  const state = readState(folder);
  if (state === undefined) {
    throw new HaspError(
      'E_STORAGE',
      `${path.join(folder, STATE)} is gone, which told where git looked for hooks before`,
      `set it yourself, then try again: git config ${scope} core.hooksPath FOLDER, or --unset core.hooksPath`,
    );
  }
  if (state.setting === undefined) await gitOutput(place, ['config', scope, '--unset', 'core.hooksPath']);
  else await gitOutput(place, ['config', scope, 'core.hooksPath', state.setting]);
  const config = globalConfig(place);
  if (state.madeConfig === true && existsSync(config) && statSync(config).size === 0) rmSync(config);
  rmSync(path.join(folder, STATE));
  return [{ file: folder, what: 'restored' }];
}

function readState(folder: string): State | undefined {
  try {
    return JSON.parse(readFileSync(path.join(folder, STATE), 'utf8')) as State;
  } catch {
    return undefined;
  }
}

function globalConfig({ environment }: GitPlace): string {
  return environment.get('GIT_CONFIG_GLOBAL') ?? path.join(environment.get('HOME') ?? homedir(), '.gitconfig');
}

function globalConfigIsThere(place: GitPlace): boolean {
  const { environment } = place;
  const folder = environment.get('XDG_CONFIG_HOME') || path.join(environment.get('HOME') ?? homedir(), '.config');
  return existsSync(globalConfig(place)) || existsSync(path.join(folder, 'git/config'));
}
