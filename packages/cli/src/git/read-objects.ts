import type { BatchReader } from './batch.ts';
import { type GitProcess, readOutput } from './process.ts';

/**
 * Reads what the last of a row of processes prints, and waits for all of them. What any of them did not
 * do to the end, or printed in another way, is an error. @throws HaspError E_STORAGE, E_SPAWN
 */
export async function readAllObjects(row: readonly GitProcess[], reader: BatchReader): Promise<void> {
  const last = row.at(-1) as GitProcess;
  try {
    await new Promise<void>((resolve, reject) => {
      last.stdout.on('error', reject);
      last.stdout.on('end', resolve);
      // It printed nothing at all.
      if (last.stdout.readableEnded) resolve();
      readOutput(last, (chunk) => {
        try {
          reader.feed(chunk);
        } catch (error) {
          last.stdout.removeAllListeners('data').resume();
          reject(error);
        }
      });
      // Whoever ends badly says more than the end of the stream would.
      for (const git of row) git.ended.catch(reject);
    });
    for (const git of row) await git.ended;
    reader.end();
  } catch (error) {
    for (const git of row) git.stop();
    throw error;
  }
}
