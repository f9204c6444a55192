import path from 'node:path';
import { type GitPlace, largeFileFolders, readLargeFile } from '../git/index.ts';
import { type BytePath, systemPath } from './byte-path.ts';
import { type ContentReport, scanContent } from './content.ts';
import type { LargeFilePointer } from './large-file-pointer.ts';
import { repositoryAbove, withoutGit } from './listed-files.ts';
import type { Tally } from './tally.ts';

/** A file that only says which one it stands for. */
export interface Pointing {
  readonly path: BytePath;
  readonly pointer: LargeFilePointer;
}

/** Looks into what Git LFS keeps for these files. What is not here is skipped, and said to be. */
export async function scanLargeFiles(pointing: readonly Pointing[], tally: Tally, place: GitPlace): Promise<void> {
  const folders = new Map<string, Promise<readonly string[]>>();
  for (const { path: file, pointer } of pointing) {
    if (pointer.size === 0) continue;
    const top = repositoryAbove(path.dirname(path.resolve(place.cwd, systemPath(file).toString())));
    const content = scanContent(tally.finder);
    try {
      if (top === undefined) throw new Error('in no repository');
      const inside = { cwd: top, environment: withoutGit(place.environment) };
      if (!folders.has(top)) folders.set(top, largeFileFolders(inside));
      await readLargeFile((await folders.get(top)) ?? [], pointer, (piece) => content.feed(piece));
      tally.bytes += pointer.size;
    } catch {
      tally.skip(file, 'stands for a Git LFS object that is not here, or not whole');
    }
    tally.content(file, 'content', inLargeFile(content.end()));
  }
}

function inLargeFile({ findings, skipped }: ContentReport): ContentReport {
  const within = <T extends { readonly inside?: string }>(part: T): T => ({
    ...part,
    inside: part.inside === undefined ? '(Git LFS)' : `(Git LFS)!/${part.inside}`,
  });
  return { findings: findings.map(within), skipped: skipped.map(within) };
}
