import { lstatSync } from 'node:fs';
import { HaspError } from '@hasp/core';
import { makeMatcher } from '@hasp/match';
import type { Answer, CommandInput } from '../command.ts';
import type { Context } from '../context.ts';
import { managedValues } from '../git/index.ts';
import { isTerminal } from '../is-terminal.ts';
import { progressOn } from '../progress.ts';
import { bytePath, systemPath } from '../scan/byte-path.ts';
import { listedFiles } from '../scan/listed-files.ts';
import { answerOf } from '../scan/scan-answer.ts';
import { codeOf, whyNot } from '../scan/scan-file.ts';
import { scanPaths } from '../scan/scan-paths.ts';
import { scanStdin } from '../scan/scan-stdin.ts';
import { Tally } from '../scan/tally.ts';
import { watchedValues } from '../scan/watched-values.ts';
import { openStores } from '../stores.ts';

/** Where to look: one of these. */
const PLACES = ['stdin'] as const;

export async function scan(input: CommandInput, context: Context): Promise<Answer> {
  checkOptions(input, context);
  const stores = await openStores(input, context);
  const managed = managedValues(stores.vault);
  stores.close();
  try {
    const watched = watchedValues(managed.values);
    const tally = new Tally(makeMatcher(watched.values), watched.secrets);
    if (watched.values.length > 0) {
      if (input.options['stdin'] === true) lookIntoStdin(tally);
      else await lookIntoPaths(input, context, tally);
    }
    return answerOf(tally.report(), watched);
  } finally {
    managed.wipe();
  }
}

/** @throws HaspError E_USAGE */
function checkOptions({ options, more, passphraseFd }: CommandInput, { inherited }: Context): void {
  const places = PLACES.filter((name) => options[name] === true).map((name) => `--${name}`);
  const paths = [...(more.length > 0 ? ['PATH'] : []), ...(options['all'] === true ? ['--all'] : [])];
  const given = [...places, ...(places.length > 0 ? paths : [])];
  if (given.length > 1) {
    throw new HaspError(
      'E_USAGE',
      `${given.join(' and ')} exclude each other`,
      'one scan looks in one place: give one of them',
    );
  }
  if (options['stdin'] !== true) return;
  if (passphraseFd === 0) {
    const hint = 'use another descriptor: --passphrase-fd 3 3< file';
    throw new HaspError('E_USAGE', 'stdin was to carry the passphrase and what is scanned', hint);
  }
  if (inherited.closedStdio.includes(0)) {
    throw new HaspError(
      'E_USAGE',
      'stdin is closed: there is nothing to scan',
      'for example: hasp scan --stdin < file',
    );
  }
}

function lookIntoStdin(tally: Tally): void {
  try {
    scanStdin(tally);
  } catch (error) {
    throw new HaspError('E_STORAGE', `stdin ${whyNot(codeOf(error))}`, 'see what it is: hasp scan --stdin < file');
  }
}

async function lookIntoPaths({ more, options }: CommandInput, context: Context, tally: Tally): Promise<void> {
  const paths = (more.length === 0 ? ['.'] : more).map((path) => bytePath(withoutEnd(path)));
  for (const path of paths) checkThere(path, tally);
  const progress = isTerminal(2) ? progressOn('scanned') : undefined;
  await scanPaths(paths, tally, {
    all: options['all'] === true,
    home: context.home.root,
    listed: (folder) => listedFiles(folder, context),
    progress: (files) => progress?.count(files, 'files'),
  });
  progress?.clear();
}

/** "" for where we are; nothing is put before what is found there. */
function withoutEnd(path: string): string {
  const plain = path.replace(/(?<=.)\/+$/, '');
  return plain === '.' ? '' : plain;
}

/** @throws HaspError E_USAGE where there is nothing of that name */
function checkThere(path: string, tally: Tally): void {
  try {
    lstatSync(systemPath(path || '.'));
  } catch (error) {
    const code = codeOf(error);
    const shown = tally.show(path);
    throw code === 'ENOENT' || code === 'ENOTDIR'
      ? new HaspError('E_USAGE', `there is no ${shown}`, 'name files and folders that there are')
      : new HaspError('E_STORAGE', `${shown} ${whyNot(code)}`, 'name what you can read');
  }
}
