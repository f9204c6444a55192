import { lstatSync } from 'node:fs';
import { HaspError } from '@hasp/core';
import { type Answer, type CommandInput, textOption } from '../command.ts';
import type { Context } from '../context.ts';
import { openFinder } from '../finder.ts';
import { GitFailure, type HookScan, startCommitScan, startHistoryScan, startRangeScan } from '../git/index.ts';
import { isTerminal } from '../is-terminal.ts';
import { say } from '../output.ts';
import { progressOn } from '../progress.ts';
import { bytePath, systemPath } from '../scan/byte-path.ts';
import { listedFiles } from '../scan/listed-files.ts';
import { answerOf } from '../scan/scan-answer.ts';
import { codeOf, whyNot } from '../scan/scan-file.ts';
import { type Pointing, scanLargeFiles } from '../scan/scan-large-files.ts';
import { scanPaths } from '../scan/scan-paths.ts';
import { scanStdin } from '../scan/scan-stdin.ts';
import { Tally } from '../scan/tally.ts';
import { LockedHome } from '../stores.ts';

/** Where else than in files. */
const PLACES = ['staged', 'range', 'history', 'stdin'] as const;

export async function scan(input: CommandInput, context: Context): Promise<Answer> {
  checkOptions(input, context);
  // Works while the vault is opened.
  const objects = startGitScan(input, context);
  try {
    return await scanFor(input, context, objects);
  } finally {
    objects?.stop();
  }
}

async function scanFor(input: CommandInput, context: Context, objects: HookScan | undefined): Promise<Answer> {
  const finder = await openFinder(await LockedHome.enter(context), input, context);
  try {
    const tally = new Tally(finder);
    if (!finder.isEmpty) {
      if (objects !== undefined) await lookIntoObjects(objects, tally);
      else if (input.options['stdin'] === true) lookIntoStdin(tally);
      else await lookIntoPaths(input, context, tally);
    }
    return answerOf(tally.report(), { isEmpty: finder.isEmpty, unwatched: finder.unwatched() });
  } finally {
    finder.wipe();
  }
}

/** @throws HaspError E_USAGE */
function checkOptions({ options, more, passphraseFd }: CommandInput, { inherited }: Context): void {
  // A script whose variable is not set: where we are is not what it meant.
  if (more.includes('')) throw new HaspError('E_USAGE', 'a PATH is empty', 'for here: hasp scan .');
  const places = PLACES.filter((name) => options[name] !== undefined).map((name) => `--${name}`);
  const ofPaths = [...(options['all'] === true ? ['--all'] : []), ...(more.length > 0 ? ['PATH'] : [])];
  if (places.length > 0 && places.length + ofPaths.length > 1) {
    const given = [...places, ...ofPaths].join(' and ');
    throw new HaspError('E_USAGE', `${given} exclude each other`, 'one scan looks in one place: give one of them');
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

function startGitScan(input: CommandInput, context: Context): HookScan | undefined {
  const range = textOption(input, 'range');
  if (range !== undefined) return startRangeScan(context, range);
  if (input.options['staged'] === true) return startCommitScan(context);
  return input.options['history'] === true ? startHistoryScan(context) : undefined;
}

async function lookIntoObjects(objects: HookScan, tally: Tally): Promise<void> {
  try {
    const progress = isTerminal(2) ? progressOn('scanned') : undefined;
    tally.repository(await objects.scan(tally.finder, (done) => progress?.count(done, 'objects')));
    progress?.clear();
  } catch (error) {
    if (error instanceof GitFailure && error.said.includes('not a git repository')) {
      throw new HaspError('E_USAGE', 'not in a git repository', 'go to one, or name files and folders: hasp scan PATH');
    }
    if (error instanceof GitFailure && error.said !== '') {
      say(`git says: ${tally.finder.mask(error.said.split('\n')[0] ?? '')}`);
    }
    throw error;
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
  const pointing: Pointing[] = [];
  await scanPaths(paths, tally, {
    all: options['all'] === true,
    home: context.home.root,
    listed: (folder) => listedFiles(folder, context),
    pointing: (file) => pointing.push(file),
    progress: (files) => progress?.count(files, 'files'),
  });
  await scanLargeFiles(pointing, tally, context);
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
