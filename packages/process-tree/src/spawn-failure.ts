import { HaspError } from '@hasp/core';

/** The command could not be started. The message names neither arguments nor environment. */
export class SpawnFailure extends HaspError {
  /** For example "ENOENT". */
  readonly errno: string;

  constructor(errno: string) {
    super('E_SPAWN', `the command could not be started (${errno})`, HINTS[errno]);
    this.errno = errno;
  }

  /** 127: there is nothing to run (the file or its interpreter); 126: it can't be run. */
  get runStatus(): 126 | 127 {
    return this.errno === 'ENOENT' ? 127 : 126;
  }
}

const HINTS: { readonly [errno: string]: string } = {
  E2BIG: 'arguments and environment are too long together',
  ENOENT: 'check the first line (#!) of the script: its interpreter is missing',
  ENOEXEC: 'the file is not a program for this machine',
  EACCES: 'check the modes of the file, and whether its file system is mounted noexec',
};
