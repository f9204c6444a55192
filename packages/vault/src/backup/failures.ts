import { HaspError } from '@hasp/core';

/** What the file holds is not what hasp wrote there. @param what names the part, never its content */
export function backupCorrupt(what: string): HaspError {
  return new HaspError(
    'E_VAULT_CORRUPT',
    `the backup is damaged: ${what}`,
    'nothing was restored; use another copy of it',
  );
}

/** For writing: a fault of the disk or the rights becomes E_STORAGE; anything else stays what it is. */
export function asBackupWriteError(error: unknown, file: string): unknown {
  const code = errnoOf(error);
  if (code === undefined) return error;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new HaspError('E_STORAGE', 'the disk is full', 'no backup was made: make room and try again');
  }
  return new HaspError(
    'E_STORAGE',
    `the backup can not be written to ${file} (${code})`,
    'choose a folder that you can write to',
  );
}

/** The same for reading; a file that is not there is a fault of who named it. */
export function asBackupReadError(error: unknown, file: string): unknown {
  const code = errnoOf(error);
  if (code === undefined) return error;
  const isMissing = code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG' || code === 'ELOOP';
  return new HaspError(
    isMissing ? 'E_USAGE' : 'E_STORAGE',
    `the backup ${file} can not be read (${code})`,
    'name a file that you can read',
  );
}

function errnoOf(error: unknown): string | undefined {
  if (error instanceof HaspError || !(error instanceof Error)) return undefined;
  const { code, syscall } = error as NodeJS.ErrnoException;
  return syscall === undefined ? undefined : code;
}
