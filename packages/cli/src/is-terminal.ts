import { fstatSync, type Stats } from 'node:fs';

/** /dev/null on Linux: makedev(1, 3). */
const NULL_DEVICE = 0x103;

/**
 * isatty(3), without loading node:tty (which brings node:net) for the pipes, files and /dev/null
 * that a run mostly writes to.
 */
export function isTerminal(descriptor: number): boolean {
  const status = look(descriptor);
  if (!status?.isCharacterDevice() || status.rdev === NULL_DEVICE) return false;
  return process.getBuiltinModule('node:tty').isatty(descriptor);
}

/** What is written there can be read by nobody. */
export function isNullDevice(descriptor: number): boolean {
  const status = look(descriptor);
  return status?.isCharacterDevice() === true && status.rdev === NULL_DEVICE;
}

function look(descriptor: number): Stats | undefined {
  try {
    return fstatSync(descriptor);
  } catch {
    return undefined;
  }
}
