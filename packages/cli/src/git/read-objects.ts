import type { BatchReader } from './batch.ts';
import { MissingObject, whyMissing } from './missing-object.ts';
import type { GitPlace, GitProcess } from './process.ts';

const NEVER = new Promise<never>(() => {});

/**
 * Reads what the last of a row of processes prints, and waits for all of them. What any of them did not
 * do to the end, or printed in another way, is an error. @throws HaspError E_STORAGE, E_SPAWN
 */
export async function readAllObjects(place: GitPlace, row: readonly GitProcess[], reader: BatchReader): Promise<void> {
  const last = row.at(-1) as GitProcess;
  try {
    // Whoever ends badly says more than the end of the stream would.
    const failure = Promise.race(row.map((git) => git.ended.then(() => NEVER)));
    await Promise.race([last.each((piece) => reader.feed(piece)), failure]);
    for (const git of row) await git.ended;
    reader.end();
  } catch (error) {
    for (const git of row) git.stop();
    throw error instanceof MissingObject ? await whyMissing(place, error) : error;
  }
}
