import { fstatSync } from 'node:fs';

/** /dev/null on Linux: makedev(1, 3). */
const NULL_DEVICE = 0x103;

/**
 * isatty(3), without loading node:tty (which brings node:net) for the pipes, files and /dev/null
 * that a run mostly writes to.
 */
export function isTerminal(descriptor: number): boolean {
  try {
    const status = fstatSync(descriptor);
    if (!status.isCharacterDevice() || status.rdev === NULL_DEVICE) return false;
  } catch {
    return false;
  }
  return process.getBuiltinModule('node:tty').isatty(descriptor);
}
