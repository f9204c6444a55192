import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from 'node:fs';

/** The last records of a log, oldest first. */
export function tailOf(file: string, bytes = 1 << 16): Record<string, unknown>[] {
  const descriptor = openSync(file, 'r');
  try {
    const { size } = fstatSync(descriptor);
    const tail = Buffer.alloc(Math.min(bytes, size));
    readSync(descriptor, tail, 0, tail.length, size - tail.length);
    const lines = tail
      .toString()
      .split('\n')
      .slice(tail.length < size ? 1 : 0, -1);
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  } finally {
    closeSync(descriptor);
  }
}

/** Every process that works in a folder, whoever it is by now; a process can't leave that by forking. */
export function livingIn(folder: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && folderOf(pid) === folder && isThere(pid));
}

/** Ends them, for the next test. */
export function clear(folder: string): void {
  for (const pid of livingIn(folder)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It went by itself.
    }
  }
}

function folderOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}

/** A process whose first thread has ended looks like a zombie, but has other threads. */
function isThere(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const state = stat.charAt(stat.lastIndexOf(')') + 2);
    return state !== 'X' && (state !== 'Z' || readdirSync(`/proc/${pid}/task`).length > 1);
  } catch {
    return false;
  }
}
