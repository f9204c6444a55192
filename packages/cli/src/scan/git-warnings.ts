import { STDERR_KEPT } from '../git/index.ts';

/**
 * A file that can't be opened, by its whole path: one of settings, attributes or ignored names for many repositories.
 * Its patterns come after all others, so without it git leaves out less. Files of the repository are named from its top,
 * but for `info/exclude`; in these a pattern may take back what another leaves out.
 */
const HARMLESS = /^warning: unable to access '\/.*': .*$/;
const OF_REPOSITORY = /\/(?:info\/exclude|\.gitignore)'/;
const LEFT_OUT = /could not open directory|unable to|too long/i;

/** Whether git may have left files out of a list although it ended well: it warns of what it can't open, and goes on. */
export function mayLeaveOut(said: string): boolean {
  if (said.length >= STDERR_KEPT) return true;
  return said.split('\n').some((line) => LEFT_OUT.test(line) && (!HARMLESS.test(line) || OF_REPOSITORY.test(line)));
}
