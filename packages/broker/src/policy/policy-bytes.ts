import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { HaspError } from '@hasp/core';
import { type Policy, parsePolicy } from '@hasp/core/rules';

/** A policy as it was read: what decides, and by which bytes. */
export interface LoadedPolicy {
  readonly policy: Policy;
  /** Of the file, hex. */
  readonly sha256: string;
}

export interface PolicyPlace {
  readonly file: string;
  /** By the user; else it is the home's own, which is private as all of the home. */
  readonly named: boolean;
  readonly uid: number;
}

const MAX_BYTES = 1024 * 1024;

/**
 * What a person could have written, nobody else: not who reads it, but who writes it decides who gets what.
 * Undefined where the home has none. @throws HaspError E_POLICY_INVALID, E_HOME_UNSAFE
 */
export function readPolicy(place: PolicyPlace): LoadedPolicy | undefined {
  const bytes = readBytes(place);
  if (bytes === undefined) return undefined;
  const policy = parsePolicy(decode(bytes, place.file), place.file);
  return { policy, sha256: createHash('sha256').update(bytes).digest('hex') };
}

function readBytes({ file, named, uid }: PolicyPlace): Buffer | undefined {
  let descriptor: number;
  try {
    // Not blocking: it could be a pipe. In the home a link is not what hasp leaves there.
    const flags = constants.O_RDONLY | constants.O_NONBLOCK | (named ? 0 : constants.O_NOFOLLOW);
    descriptor = openSync(file, flags);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    if (code === 'ENOENT' && !named) return undefined;
    throw new HaspError('E_POLICY_INVALID', `${file} could not be read (${code})`, `look at it: ls -l ${file}`);
  }
  try {
    const status = fstatSync(descriptor);
    if (!status.isFile() || status.size > MAX_BYTES)
      throw new HaspError('E_POLICY_INVALID', `${file} is no file of at most 1 MiB`, `look at it: ls -l ${file}`);
    checkOwner(status, file, named, uid);
    return readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function checkOwner({ uid: owner, mode }: Stats, file: string, named: boolean, uid: number): void {
  // One that an administrator gives to all is as good as one's own.
  if (owner !== uid && !(named && owner === 0))
    throw new HaspError('E_HOME_UNSAFE', `${file} belongs to another user (uid ${owner})`, `chown ${uid} ${file}`);
  if ((mode & (named ? 0o022 : 0o077)) === 0) return;
  const found = (mode & 0o777).toString(8).padStart(4, '0');
  const can = named ? 'can be written' : 'can be reached';
  throw new HaspError('E_HOME_UNSAFE', `${file} ${can} by others (mode ${found})`, `chmod 600 ${file}`);
}

function decode(bytes: Buffer, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new HaspError('E_POLICY_INVALID', `${file} is not UTF-8`, 'save it as UTF-8');
  }
}
