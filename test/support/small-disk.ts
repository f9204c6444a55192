import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';

/** A disk of its own, of so many bytes, that can be filled. */
export interface SmallDisk {
  readonly folder: string;
  /** To the last byte. */
  fill(): void;
  free(): void;
}

/** Undefined where this machine lets nobody mount one. */
export async function withSmallDisk(
  below: string,
  bytes: number,
  deed: (disk: SmallDisk) => Promise<void>,
): Promise<void> {
  const folder = path.join(below, 'small-disk');
  mkdirSync(folder);
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=700`, 'tmpfs', folder]).status !== 0) return;
  const filler = path.join(folder, 'filler');
  try {
    await deed({ folder, fill: () => fillUp(filler), free: () => rmSync(filler, { force: true }) });
  } finally {
    spawnSync('umount', ['-l', folder]);
  }
}

function fillUp(filler: string): void {
  try {
    for (;;) appendFileSync(filler, Buffer.alloc(512));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}
