import { closeSync, fstatSync, linkSync, lstatSync, openSync, realpathSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { MAX_CHECKPOINT_BYTES, parseCheckpoint } from '@hasp/audit';
import { HaspError } from '@hasp/core';
import type { Context } from './context.ts';
import { readDescriptor } from './read-all.ts';
import { createSynced, syncFolderOf } from './synced-file.ts';

/** Public by its nature: others shall be able to read it. */
const MODE = 0o644;

/** The text of a checkpoint. @throws HaspError E_STORAGE where it can't be read, E_USAGE where it is none */
export function readCheckpoint(named: string, context: Context): string {
  const file = path.resolve(context.cwd, named);
  let text: string | undefined;
  try {
    text = readSmall(file);
  } catch (error) {
    throw new HaspError('E_STORAGE', `${named} could not be read (${codeOf(error)})`, 'name a file that you can read');
  }
  if (text !== undefined && parseCheckpoint(text) !== undefined) return text;
  throw new HaspError('E_USAGE', `${named} is not a checkpoint`, 'name what hasp audit checkpoint --out FILE wrote');
}

/**
 * Whole or not at all; in the place of an earlier checkpoint, and of nothing else.
 * @throws HaspError E_EXISTS, E_STORAGE
 */
export function writeCheckpoint(named: string, note: string, { cwd, random }: Context): string {
  const place = path.resolve(cwd, named);
  try {
    const file = lstatSync(place, { throwIfNoEntry: false }) === undefined ? place : realpathSync(place);
    const isThere = lstatSync(file, { throwIfNoEntry: false }) !== undefined;
    if (isThere && parseCheckpoint(readSmall(file) ?? '') === undefined) throw notReplaced(named);
    const temporary = `${file}.new-${process.pid}-${Buffer.from(random(4)).toString('hex')}`;
    try {
      createSynced(temporary, Buffer.from(note), MODE);
      if (isThere) renameSync(temporary, file);
      else giveName(temporary, file, named);
    } finally {
      rmSync(temporary, { force: true });
    }
    syncFolderOf(file);
    return file;
  } catch (error) {
    if (error instanceof HaspError) throw error;
    throw new HaspError('E_STORAGE', `${named} could not be written (${codeOf(error)})`, 'choose another place');
  }
}

/** Undefined where it is no plain file, or longer than any checkpoint. */
function readSmall(file: string): string | undefined {
  const descriptor = openSync(file, 'r');
  const status = fstatSync(descriptor);
  if (status.isFile() && status.size <= MAX_CHECKPOINT_BYTES) {
    return readDescriptor(descriptor, MAX_CHECKPOINT_BYTES, 'the checkpoint').toString('utf8');
  }
  closeSync(descriptor);
  return undefined;
}

/** Never over a file that came meanwhile, where the file system has links. */
function giveName(temporary: string, file: string, named: string): void {
  try {
    linkSync(temporary, file);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw notReplaced(named);
    if (!['EPERM', 'ENOTSUP', 'ENOSYS'].includes(codeOf(error))) throw error;
    renameSync(temporary, file);
  }
}

function notReplaced(named: string): HaspError {
  return new HaspError('E_EXISTS', `${named} is there already, and is not a checkpoint`, 'name another file');
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown error';
}
