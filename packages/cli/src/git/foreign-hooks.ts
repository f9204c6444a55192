import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { HaspError } from '@hasp/core';
import { type Change, removeFolder, replace, writeFolder } from './hook-folder.ts';
import {
  authorOf,
  GUARDED,
  type GuardedHook,
  guardText,
  hasSnippet,
  lefthookText,
  withoutSnippet,
  withSnippet,
} from './hook-text.ts';

/** Puts the lines into the hooks that husky runs, `.husky/NAME`; those in `.husky/_` are husky’s own. */
export function installIntoHusky(folder: string): Change[] {
  const scripts = scriptsOf(folder);
  mkdirSync(scripts, { recursive: true });
  return GUARDED.map((hook) => {
    const file = path.join(scripts, hook);
    if (!existsSync(file)) {
      // Before version 9 git itself starts this file.
      const first = scripts === folder ? '#!/bin/sh\n' : '';
      writeFileSync(file, withSnippet(first, hook), 'latin1');
      chmodSync(file, 0o755);
      return { file, what: 'made' };
    }
    const text = readFileSync(file, 'latin1');
    if (withoutSnippet(text, hook) !== undefined) return { file, what: 'unchanged' };
    if (hasSnippet(text)) throw changed(file);
    writeFileSync(file, withSnippet(text, hook), 'latin1');
    return { file, what: 'renewed' };
  });
}

export function uninstallFromHusky(folder: string): Change[] {
  const scripts = scriptsOf(folder);
  return GUARDED.flatMap((hook: GuardedHook): Change[] => {
    const file = path.join(scripts, hook);
    if (!existsSync(file)) return [];
    const text = readFileSync(file, 'latin1');
    const before = withoutSnippet(text, hook);
    if (before === undefined && hasSnippet(text)) throw changed(file);
    if (before === undefined) return [];
    if (before !== '' && before !== '#!/bin/sh\n') {
      writeFileSync(file, before, 'latin1');
      return [{ file, what: 'restored' }];
    }
    unlinkSync(file);
    return [{ file, what: 'removed' }];
  });
}

function scriptsOf(folder: string): string {
  return path.basename(folder) === '_' ? path.dirname(folder) : folder;
}

export const LEFTHOOK_LOCAL = 'lefthook-local.yml';

const LEFTHOOK_SCRIPTS = '.lefthook-local';

/** lefthook reads both beside its own, and nobody commits them. `isYours`: a person keeps the file already. */
export function installIntoLefthook(top: string, hasp: string): { changes: Change[]; isYours: boolean } {
  const scripts = GUARDED.flatMap((hook) =>
    writeFolder(path.join(top, LEFTHOOK_SCRIPTS, hook), { hasp: guardText(hook, hasp, { kind: 'none' }) }),
  );
  const file = path.join(top, LEFTHOOK_LOCAL);
  const isYours = existsSync(file) && authorOf(readFileSync(file, 'latin1')) !== 'hasp';
  return { changes: [...scripts, ...(isYours ? [] : [replace(file, lefthookText(), 0o644)])], isYours };
}

export function uninstallFromLefthook(top: string): Change[] {
  const file = path.join(top, LEFTHOOK_LOCAL);
  const author = existsSync(file) ? authorOf(readFileSync(file, 'latin1')) : 'other';
  if (author === 'changed') throw changed(file);
  if (author === 'hasp') unlinkSync(file);
  const folder = path.join(top, LEFTHOOK_SCRIPTS);
  const scripts = GUARDED.flatMap((hook) => removeFolder(path.join(folder, hook)));
  if (scripts.length > 0 && readdirSync(folder).length === 0) rmdirSync(folder);
  return [...(author === 'hasp' ? [{ file, what: 'removed' } as const] : []), ...scripts];
}

function changed(file: string): HaspError {
  return new HaspError(
    'E_EXISTS',
    `the lines of hasp in ${file} were changed, so it was left alone`,
    'take them out yourself, then try again',
  );
}
