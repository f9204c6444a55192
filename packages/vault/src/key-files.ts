import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import type { Home } from '@hasp/core';
import { Database } from './database.ts';
import { type Header, readHeader } from './header.ts';
import { KEY_BYTES } from './keys.ts';
import { syncPath } from './new-file.ts';
import { unwrapRoot } from './wrapping.ts';

/**
 * Ends what a rekey does with key files in the home, whether that was killed or is just done: the header says which key
 * is the vault's, so the new one gets its name, or goes; and the old one goes. Under the vault's lock, since a
 * rekey makes its files under it: nothing is taken from one that is under way.
 * @throws HaspError E_VAULT_MISSING, E_VAULT_CORRUPT, E_STORAGE; what the file system throws
 */
export function settleKeyFiles(home: Home): void {
  const database = new Database(home.vault);
  try {
    database.transaction(() => {
      const header = readHeader(database);
      if (header.defaultKeyFile && opens(header, home.newKey)) {
        overwrite(home.key);
        renameSync(home.newKey, home.key);
      } else destroyFile(home.newKey);
      retire(header, home);
      syncPath(home.root);
    });
  } finally {
    database.close();
  }
}

/** That the key file in the home is to go with the change that is under way: its hash, under another name. */
export function markOldKeyFile({ root, key, oldKey }: Home): void {
  const bytes = readKey(key);
  if (bytes === undefined) return;
  writeFileSync(oldKey, hashOf(bytes), { mode: 0o600, flush: true });
  syncPath(root);
  bytes.fill(0);
}

function retire(header: Header, { key, oldKey }: Home): void {
  if (!existsSync(oldKey)) return;
  const marked = readFileSync(oldKey);
  const bytes = readKey(key);
  // Zeros: a kill came between the two steps of destroying it.
  const isMarked = bytes !== undefined && (hashOf(bytes).equals(marked) || bytes.every((byte) => byte === 0));
  if (isMarked && !(header.defaultKeyFile && opens(header, key))) destroyFile(key);
  bytes?.fill(0);
  rmSync(oldKey);
}

function hashOf(key: Buffer): Buffer {
  return createHash('sha256').update(key).digest();
}

function opens(header: Header, file: string): boolean {
  const bytes = readKey(file);
  if (bytes === undefined) return false;
  const root = unwrapRoot(header, bytes);
  bytes.fill(0);
  root?.fill(0);
  return root !== undefined;
}

function readKey(file: string): Buffer | undefined {
  const descriptor = openOwn(file, constants.O_RDONLY);
  if (descriptor === undefined) return undefined;
  try {
    const bytes = Buffer.alloc(KEY_BYTES);
    return readSync(descriptor, bytes) === KEY_BYTES ? bytes : undefined;
  } finally {
    closeSync(descriptor);
  }
}

/** Zeros first, on the disk too: a removed file's bytes stay where they were. */
export function destroyFile(file: string): void {
  overwrite(file);
  rmSync(file, { force: true });
}

function overwrite(file: string): void {
  const descriptor = openOwn(file, constants.O_RDWR);
  if (descriptor === undefined) return;
  try {
    const { size } = fstatSync(descriptor);
    writeSync(descriptor, Buffer.alloc(size), 0, size, 0);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Undefined where there is none, or only a link to one elsewhere. */
function openOwn(file: string, flags: number): number | undefined {
  try {
    return openSync(file, flags | constants.O_NOFOLLOW);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ELOOP') return undefined;
    throw error;
  }
}
