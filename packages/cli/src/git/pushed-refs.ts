import { HaspError } from '@hasp/core';

/** One line that git gives to pre-push: a ref to be changed on the other side. */
export interface PushedRef {
  /** As it was typed: a ref, an expression, `(delete)`. */
  readonly localRef: string;
  /** Undefined where the ref is to be removed. */
  readonly newOid: string | undefined;
  readonly remoteRef: string;
  /** What the other side has now; undefined if it has no such ref. */
  readonly oldOid: string | undefined;
}

const LINE = /^(.*) ([0-9a-f]{40}|[0-9a-f]{64}) ([^ ]+) ([0-9a-f]{40}|[0-9a-f]{64})$/;

/** All of them: git sends one line for each ref, none if there is nothing to push. @throws HaspError E_USAGE */
export function parsePushedRefs(text: string): PushedRef[] {
  if (text === '') return [];
  if (!text.endsWith('\n')) throw notUnderstood();
  return text
    .slice(0, -1)
    .split('\n')
    .map((line) => {
      const found = LINE.exec(line);
      if (found === null) throw notUnderstood();
      const [, localRef = '', newOid = '', remoteRef = '', oldOid = ''] = found;
      return { localRef, newOid: unlessZero(newOid), remoteRef, oldOid: unlessZero(oldOid) };
    });
}

function unlessZero(oid: string): string | undefined {
  return /^0+$/.test(oid) ? undefined : oid;
}

function notUnderstood(): HaspError {
  return new HaspError(
    'E_USAGE',
    'stdin does not hold the refs to be pushed as git gives them, so nothing was checked',
    'let git start it: hasp hook install',
  );
}
