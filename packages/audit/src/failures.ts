import { HaspError } from '@hasp/core';

export function isErrno(error: unknown, code: string): boolean {
  return errnoOf(error) === code;
}

/** What link(2) says on a file system without hard links. */
export function isLinkless(error: unknown): boolean {
  return ['EPERM', 'ENOTSUP', 'ENOSYS'].some((code) => isErrno(error, code));
}

/** What the system said, as E_AUDIT_WRITE; a HaspError or a programmer's error stays what it is. */
export function asWriteError(error: unknown): unknown {
  const code = errnoOf(error);
  if (error instanceof HaspError || code === undefined) return error;
  return new HaspError('E_AUDIT_WRITE', `the audit log can't be written (${code})`, hintFor(code));
}

/** The same for reading: E_STORAGE. */
export function asReadError(error: unknown): unknown {
  const code = errnoOf(error);
  if (error instanceof HaspError || code === undefined) return error;
  return new HaspError('E_STORAGE', `the audit log can't be read (${code})`, hintFor(code));
}

function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  return /^(E[A-Z0-9]+|SQLITE_[A-Z_]+)$/.test(error.code) ? error.code : undefined;
}

function hintFor(code: string): string {
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'SQLITE_FULL') return 'free some space on that disk';
  if (code === 'EROFS') return 'the file system is mounted read-only';
  if (code === 'EACCES' || code === 'EPERM' || code.startsWith('SQLITE_READONLY') || code === 'SQLITE_CANTOPEN') {
    return 'check owner and mode of audit.jsonl and audit.seal';
  }
  return 'see hasp doctor';
}
