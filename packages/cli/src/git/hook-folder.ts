import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { HaspError } from '@hasp/core';
import { authorOf, type Before, GUARDED, guardText, KEPT_SUFFIX } from './hook-text.ts';

/** What was done to one file. */
export interface Change {
  readonly file: string;
  readonly what: 'made' | 'renewed' | 'unchanged' | 'removed' | 'restored';
}

/** Puts the guard into a folder where git looks; a hook that is there is kept beside it and goes on running. */
export function installInto(folder: string, hasp: string): Change[] {
  return attempt(folder, () => {
    mkdirSync(folder, { recursive: true });
    return GUARDED.map((hook) => {
      const file = path.join(folder, hook);
      if (authorAt(file) === 'other') keepBeside(file);
      const before: Before = isThere(file + KEPT_SUFFIX) ? { kind: 'beside' } : { kind: 'none' };
      return replace(file, guardText(hook, hasp, before));
    });
  });
}

/** Whatever of it is there: an installation that was cut short is undone as well. */
export function uninstallFrom(folder: string): Change[] {
  return attempt(folder, () =>
    GUARDED.flatMap((hook): Change[] => {
      const file = path.join(folder, hook);
      const kept = file + KEPT_SUFFIX;
      const author = authorAt(file);
      if (author === 'changed') throw changed(file);
      if (!isThere(kept)) {
        if (author !== 'hasp') return [];
        unlinkSync(file);
        return [{ file, what: 'removed' }];
      }
      if (author === 'other' && !isSame(file, kept)) throw taken(file, kept);
      renameSync(kept, file);
      // Two names of one file: then the first one stays.
      if (isThere(kept)) unlinkSync(kept);
      return [{ file, what: 'restored' }];
    }),
  );
}

/** Writes a whole folder of our own: each file, and no other. */
export function writeFolder(folder: string, files: Readonly<Record<string, string>>): Change[] {
  return attempt(folder, () => {
    mkdirSync(folder, { recursive: true });
    return Object.entries(files).map(([name, text]) => replace(path.join(folder, name), text));
  });
}

/** Takes it away, and the folder, if nobody put anything else there. */
export function removeFolder(folder: string): Change[] {
  if (!existsSync(folder)) return [];
  return attempt(folder, () => {
    const changes = readdirSync(folder).flatMap((name): Change[] => {
      const file = path.join(folder, name);
      const author = authorAt(file);
      if (author === 'changed') throw changed(file);
      if (author !== 'hasp') return [];
      unlinkSync(file);
      return [{ file, what: 'removed' }];
    });
    if (readdirSync(folder).length === 0) rmdirSync(folder);
    return changes;
  });
}

/** At no moment is there no hook, or half of one. */
export function replace(file: string, text: string, mode = 0o755): Change {
  const wasThere = isThere(file);
  if (textOf(file) === Buffer.from(text).toString('latin1')) return { file, what: 'unchanged' };
  const aside = `${file}.${process.pid}.hasp`;
  writeFileSync(aside, text, { mode: 0o600 });
  chmodSync(aside, mode);
  renameSync(aside, file);
  return { file, what: wasThere ? 'renewed' : 'made' };
}

function authorAt(file: string): ReturnType<typeof authorOf> | undefined {
  if (!isThere(file)) return undefined;
  const text = textOf(file);
  return text === undefined ? 'other' : authorOf(text);
}

/** Undefined where it can't be read: a link to nowhere, for example. */
function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return undefined;
  }
}

/** A second name for the hook, which keeps its bytes, its mode and, where it is one, the link. */
function keepBeside(file: string): void {
  const kept = file + KEPT_SUFFIX;
  if (isThere(kept)) {
    if (isSame(file, kept)) return;
    throw taken(file, kept);
  }
  try {
    linkSync(file, kept);
  } catch {
    renameSync(file, kept);
  }
}

function isThere(file: string): boolean {
  return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
}

function isSame(one: string, other: string): boolean {
  const [first, second] = [one, other].map((file) => lstatSync(file, { throwIfNoEntry: false }));
  return first !== undefined && first.ino === second?.ino && first.dev === second.dev;
}

function attempt<T>(folder: string, deed: () => T): T {
  try {
    return deed();
  } catch (error) {
    if (error instanceof HaspError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new HaspError(
      'E_STORAGE',
      `the hooks in ${folder} could not be changed (${code})`,
      'see whose the folder is: ls -ld',
    );
  }
}

function changed(file: string): HaspError {
  return new HaspError(
    'E_EXISTS',
    `${file} was changed since hasp made it, so it was left alone`,
    'take the lines of hasp out of it yourself, or remove it, then try again',
  );
}

function taken(file: string, kept: string): HaspError {
  return new HaspError(
    'E_EXISTS',
    `${file} was written anew since hasp kept the one before it as ${kept}`,
    'remove the one that you do not want, then try again',
  );
}
