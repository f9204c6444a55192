import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  realpathSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { HaspError, type Random } from '@hasp/core';
import { makeTemporaryFile, removeLeftoversOf, removeTemporary, syncPath } from '../new-file.ts';
import { asBackupReadError, asBackupWriteError } from './failures.ts';
import { MAGIC } from './header.ts';

/** Of a file as it was written or read. */
export interface FileFacts {
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
}

/**
 * Writes a file that is there whole or not at all: under another name beside it, synced, then renamed. What an
 * earlier attempt left whose process is gone, goes.
 * @param fill writes it
 * @param beforePublish it is on disk, under the other name; if it throws, that is gone and nothing has changed
 * @throws HaspError E_EXISTS where something else than a backup has that name, E_STORAGE
 */
export function writeWhole(
  file: string,
  random: Random,
  fill: (write: (bytes: Buffer) => void) => void,
  beforePublish: (facts: FileFacts) => void,
): FileFacts {
  let temporary: string | undefined;
  try {
    const target = replaceable(file);
    removeLeftoversOf(target);
    temporary = makeTemporaryFile(target, random);
    const facts = writeInto(temporary, fill);
    beforePublish(facts);
    renameSync(temporary, target);
    syncPath(path.dirname(target));
    return facts;
  } catch (error) {
    if (temporary !== undefined) removeTemporary(temporary);
    throw asBackupWriteError(error, file);
  }
}

function writeInto(temporary: string, fill: (write: (bytes: Buffer) => void) => void): FileFacts {
  const hash = createHash('sha256');
  const descriptor = openSync(temporary, 'r+');
  let length = 0;
  try {
    fill((bytes) => {
      hash.update(bytes);
      for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done);
      length += bytes.length;
    });
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  return { bytes: length, sha256: hash.digest('hex') };
}

/** Where the name leads, if it is free or another backup's. @throws HaspError E_EXISTS */
function replaceable(file: string): string {
  if (statSync(file, { throwIfNoEntry: false }) === undefined) return file;
  if (isBackup(file)) return realpathSync(file);
  throw new HaspError('E_EXISTS', `${file} is there, and it is no backup`, 'choose another name');
}

function isBackup(file: string): boolean {
  const descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const start = Buffer.alloc(MAGIC.length);
    return fstatSync(descriptor).isFile() && readSync(descriptor, start) === start.length && start.equals(MAGIC);
  } finally {
    closeSync(descriptor);
  }
}

/** A file that is read once from its beginning to its end. */
export class WholeFile {
  readonly size: number;
  readonly #path: string;
  readonly #descriptor: number;
  readonly #hash = createHash('sha256');
  #done = 0;

  /** @throws HaspError E_USAGE, E_STORAGE */
  constructor(file: string) {
    this.#path = file;
    try {
      this.#descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    } catch (error) {
      throw asBackupReadError(error, file);
    }
    const status = fstatSync(this.#descriptor);
    this.size = status.size;
    if (status.isFile()) return;
    closeSync(this.#descriptor);
    throw new HaspError('E_USAGE', `${file} is not a plain file`, 'name one that hasp vault backup made');
  }

  /** So many bytes, or as many as there are left. */
  read(length: number): Buffer {
    const bytes = Buffer.alloc(length);
    let done = 0;
    try {
      while (done < length) {
        const read = readSync(this.#descriptor, bytes, done, length - done, null);
        if (read === 0) break;
        done += read;
      }
    } catch (error) {
      throw asBackupReadError(error, this.#path);
    }
    this.#done += done;
    const found = bytes.subarray(0, done);
    this.#hash.update(found);
    return found;
  }

  get done(): number {
    return this.#done;
  }

  /** Of what was read; once. */
  facts(): FileFacts {
    return { bytes: this.#done, sha256: this.#hash.digest('hex') };
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}
