import { lstatSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { HaspError } from '@hasp/core';
import type { Context } from './context.ts';
import { counted } from './counted.ts';
import { gitOutput } from './git/index.ts';
import type { SourceFile } from './import-source.ts';

/** What an import has not made go away. */
export interface PlaintextLeft {
  readonly file: string;
  readonly values: number;
  /** Its history has them, too. */
  readonly tracked: boolean;
}

export async function plaintextLeft(
  { path: named }: SourceFile,
  values: number,
  context: Context,
): Promise<PlaintextLeft> {
  const file = behindLinks(named);
  return { file, values, tracked: await isTracked(file, context) };
}

/** Who deletes a link has deleted nothing. */
function behindLinks(named: string): string {
  try {
    return lstatSync(named).isSymbolicLink() ? realpathSync(named) : named;
  } catch {
    return named;
  }
}

/** @param skipped how many of the values were not imported */
export function plaintextNotes(left: PlaintextLeft, source: SourceFile, skipped: number): string[] {
  const { mode } = source;
  const name = left.file === source.path ? source.name : left.file;
  const values = counted(left.values, 'value');
  const advice =
    skipped === 0
      ? 'delete it, it is no longer needed'
      : `${skipped} of them not imported: keep what you need of these, then delete it`;
  const read = (mode & 0o077) === 0 ? [] : [`${name} can be read by others (mode 0${mode.toString(8)})`];
  const history = left.tracked
    ? [`git tracks ${name}, so its history holds them too: git rm it, and change each value where it is valid`]
    : [];
  return [...read, ...history, `${name} still holds ${values} in plaintext: ${advice}`];
}

/** Where git can't say, nothing is said. */
async function isTracked(file: string, { environment }: Context): Promise<boolean> {
  try {
    const real = realpathSync(file);
    const place = { cwd: path.dirname(real), environment };
    await gitOutput(place, ['ls-files', '--error-unmatch', '--', `:(literal)${path.basename(real)}`]);
    return true;
  } catch (error) {
    if (error instanceof HaspError || (error as NodeJS.ErrnoException).code !== undefined) return false;
    throw error;
  }
}
