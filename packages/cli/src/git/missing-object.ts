import { HaspError } from '@hasp/core';
import { damageIn, MEND } from './damage.ts';
import { GitFailure, type GitPlace, gitOutput } from './process.ts';

/** An object that git lists and does not give: it is gone, or it is here and git can't read it. */
export class MissingObject extends HaspError {
  readonly oid: string;

  constructor(oid: string) {
    super(
      'E_STORAGE',
      `object ${oid} is not in this repository, so it could not be checked`,
      `fetch it, then try again: git cat-file -t ${oid} (in a partial clone), git fetch --unshallow, or git fsck`,
    );
    this.oid = oid;
  }
}

/** Asks git why it does not give that object. @throws HaspError E_SPAWN */
export async function whyMissing(place: GitPlace, missing: MissingObject): Promise<HaspError> {
  const { oid } = missing;
  const said = await complaint(place, ['cat-file', '-t', oid]);
  if (damageIn(said ?? '') !== undefined) {
    return new HaspError('E_STORAGE', `object ${oid} is damaged, so it could not be checked`, MEND);
  }
  if ((await complaint(place, ['cat-file', '-e', oid])) !== undefined) return missing;
  return new HaspError(
    'E_STORAGE',
    `object ${oid} is in this repository, but could not be read, so it could not be checked`,
    'see who may read what is in .git/objects, and what git says: git fsck --full',
  );
}

/** Undefined where git has none. */
async function complaint(place: GitPlace, argv: readonly string[]): Promise<string | undefined> {
  try {
    await gitOutput(place, argv);
    return undefined;
  } catch (error) {
    if (error instanceof GitFailure) return error.said;
    throw error;
  }
}
