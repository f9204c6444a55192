import { fdatasyncSync, openSync, readSync, writeSync } from 'node:fs';
import { isErrno } from './failures.ts';

/**
 * The four things that the log asks of a file. A port, so that a disk that tears a write, fills up
 * or loses its process between any two steps can stand in for the real one.
 */
export interface Disk {
  /** @returns bytes read, 0 at the end */
  read(fd: number, into: Buffer, at: number, length: number, position: number): number;
  /** Position null appends (the file is open with O_APPEND). @returns bytes written, perhaps fewer than asked */
  write(fd: number, from: Buffer, at: number, length: number, position: number | null): number;
  datasync(fd: number): void;
}

export const realDisk: Disk = {
  read: (fd, into, at, length, position) => readSync(fd, into, at, length, position),
  write: (fd, from, at, length, position) => writeSync(fd, from, at, length, position),
  datasync: (fd) => fdatasyncSync(fd),
};

/** Fills `into` from `position`, or as far as the file goes. @returns bytes read */
export function readFully(disk: Disk, fd: number, into: Buffer, position: number): number {
  let done = 0;
  while (done < into.length) {
    const read = disk.read(fd, into, done, into.length - done, position + done);
    if (read === 0) break;
    done += read;
  }
  return done;
}

/** Writes all bytes, at `position` or (null) at the end of a file open with O_APPEND. */
export function writeFully(disk: Disk, fd: number, bytes: Buffer, position: number | null): void {
  let done = 0;
  while (done < bytes.length) {
    done += disk.write(fd, bytes, done, bytes.length - done, position === null ? null : position + done);
  }
}

/** Undefined where there is no such file. */
export function openIfThere(path: string, flags: 'r' | 'r+'): number | undefined {
  try {
    return openSync(path, flags);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}
