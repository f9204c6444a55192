import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import path from 'node:path';
import { HaspError, type Home } from '@hasp/core';

const OTHERS = 0o077;

/**
 * Refuses a home that someone else owns or could read: 0700 folders, 0600 files, ours.
 * A home that is not there is for the vault to report. @throws HaspError E_HOME_UNSAFE
 */
export function checkHome(home: Home, uid: number): void {
  if (!checkFolder(home.root, uid)) return;
  checkFolder(home.runs, uid);
  for (const file of filesOf(home)) checkPrivateFile(file, uid);
}

/** SQLite keeps its own files beside the vault's. */
function filesOf({ vault, key, auditLog, auditSeal, policy, brokerFacts, brokerToken }: Home): string[] {
  return [vault, `${vault}-wal`, `${vault}-shm`, key, auditLog, auditSeal, policy, brokerFacts, brokerToken];
}

function checkFolder(folder: string, uid: number): boolean {
  const status = look(folder, statSync);
  if (status === undefined) return false;
  if (!status.isDirectory())
    throw new HaspError(
      'E_HOME_UNSAFE',
      `${folder} is not a folder`,
      'choose another place: export HASP_HOME=/a/folder/of/yours',
    );
  checkStatus(folder, status, uid, '700');
  return true;
}

/**
 * What is to outlast the home must not lie in it, nor take the name of a file of hasp's or SQLite's.
 * @throws HaspError E_USAGE, E_STORAGE for a link that leads nowhere
 */
export function requireOutside(file: string, { root }: Home): void {
  if (look(file)?.isSymbolicLink() && !existsSync(file)) {
    throw new HaspError('E_STORAGE', `${file} is a link that leads nowhere`, 'choose another place');
  }
  const real = (place: string) => (existsSync(place) ? realpathSync(place) : place);
  const inside = path.relative(real(root), real(path.join(real(path.dirname(file)), path.basename(file))));
  if (inside.startsWith('../') || path.isAbsolute(inside)) return;
  throw new HaspError('E_USAGE', `${file} would lie in the home itself`, 'choose another folder, best on another disk');
}

/** Also for key files outside the home. A missing file is somebody else's error. */
export function checkPrivateFile(file: string, uid: number): void {
  const status = look(file);
  if (status === undefined) return;
  if (!status.isFile())
    throw new HaspError('E_HOME_UNSAFE', `${file} is not a plain file`, `look at it: ls -l ${quote(file)}`);
  checkStatus(file, status, uid, '600');
}

function checkStatus(place: string, status: Stats, uid: number, mode: string): void {
  if (status.uid !== uid) {
    throw new HaspError(
      'E_HOME_UNSAFE',
      `${place} belongs to another user (uid ${status.uid})`,
      `chown ${uid} ${quote(place)}`,
    );
  }
  if ((status.mode & OTHERS) !== 0) {
    const found = (status.mode & 0o777).toString(8).padStart(4, '0');
    throw new HaspError(
      'E_HOME_UNSAFE',
      `${place} can be reached by others (mode ${found})`,
      `chmod ${mode} ${quote(place)}`,
    );
  }
}

/** Makes the home for `hasp init`; an empty folder of ours is made private. @throws HaspError */
export function makeHome(home: Home, uid: number): void {
  try {
    mkdirSync(home.root, { recursive: true, mode: 0o700 });
    const status = lstatSync(home.root);
    if (status.isDirectory() && status.uid === uid && readdirSync(home.root).length === 0) chmodSync(home.root, 0o700);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new HaspError(
      'E_STORAGE',
      `${home.root} could not be made (${code})`,
      'choose another place: export HASP_HOME=/a/folder/of/yours',
    );
  }
  checkHome(home, uid);
}

function look(place: string, how: (place: string) => Stats = lstatSync): Stats | undefined {
  try {
    return how(place);
  } catch {
    return undefined;
  }
}

/** For a shell: quoted only where it must be. */
export function quote(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** `hasp doctor --fix`: takes from others what they could reach. Files of other users stay as they are. */
export function makePrivate(home: Home, uid: number): void {
  for (const place of [home.root, home.runs, ...filesOf(home)]) {
    const status = look(place);
    if (status !== undefined && status.uid === uid && (status.isFile() || status.isDirectory()))
      chmodSync(place, status.isFile() ? 0o600 : 0o700);
  }
}
