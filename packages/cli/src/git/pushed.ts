import { HaspError } from '@hasp/core';
import type { ObjectListener } from './batch.ts';
import { MissingObject, whyMissing } from './missing-object.ts';
import { GitFailure, type GitPlace, gitOutput } from './process.ts';
import type { PushedRef } from './pushed-refs.ts';
import { isTracked, parseRemotes } from './remote.ts';
import { type Selection, startSelection } from './selection.ts';

/** What a push would send, asked for and not read yet. */
export interface PushedObjects {
  /** Every object that the other side does not have for certain, oldest commits first. @throws HaspError */
  read(listener: ObjectListener): Promise<void>;
  readonly selection: Promise<Selection | undefined>;
  stop(): void;
}

/** `remote` and `url` as git gives them to the hook. */
export function startPushed(
  place: GitPlace,
  refs: readonly PushedRef[],
  { remote, url }: { readonly remote: string; readonly url: string },
): PushedObjects {
  const news = [...new Set(refs.flatMap(({ newOid }) => newOid ?? []))];
  const selection = news.length === 0 ? Promise.resolve(undefined) : select(place, refs, news, { remote, url });
  selection.catch(() => {});
  return {
    selection,
    read: async (listener) => (await selection)?.read(listener),
    stop: () =>
      void selection.then(
        (found) => found?.stop(),
        () => {},
      ),
  };
}

async function select(
  place: GitPlace,
  refs: readonly PushedRef[],
  news: readonly string[],
  { remote, url }: { readonly remote: string; readonly url: string },
): Promise<Selection> {
  const olds = [...new Set(refs.flatMap(({ oldOid }) => oldOid ?? []))];
  const branches = refs
    .filter(({ newOid, remoteRef }) => newOid !== undefined && remoteRef.startsWith('refs/heads/'))
    .map(({ oldOid, remoteRef }) => ({ oldOid, known: tracking(remote, remoteRef) }));
  const [here, remotes] = await Promise.all([
    whichAreHere(place, [...news, ...olds, ...branches.map(({ known }) => known)]),
    configured(place),
  ]);
  const lost = news.find((oid) => !here.has(oid));
  if (lost !== undefined) throw await whyMissing(place, new MissingObject(lost));
  // The other side does not have what we think it has: that is of another time or place. Where it has what is not here, it may have gone on.
  const isContradicted = branches.some(({ oldOid, known }) => {
    const oid = here.get(known);
    return oid !== undefined && oid !== oldOid && (oldOid === undefined || here.has(oldOid));
  });
  const isTrusted = !isContradicted && isTracked(remote, url, parseRemotes(remotes));
  return startSelection(place, {
    with: news,
    // The other side may have what was never fetched; that excludes nothing.
    without: olds.filter((oid) => here.has(oid)),
    withoutRemote: isTrusted ? remote : undefined,
  });
}

function tracking(remote: string, ref: string): string {
  return `refs/remotes/${remote}/${ref.slice('refs/heads/'.length)}`;
}

/** Of these names, those that are objects of this repository, and which. */
async function whichAreHere(place: GitPlace, names: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const output = await gitOutput(
    place,
    ['cat-file', '--batch-check=%(objectname) %(objecttype)', '--buffer'],
    names.map((name) => `${name}\n`).join(''),
  );
  const lines = output.toString('latin1').split('\n');
  if (lines.length !== names.length + 1) {
    throw new HaspError('E_STORAGE', 'git did not say which objects are here, so nothing was checked', 'see: git fsck');
  }
  return new Map(
    names.flatMap((name, at) => {
      const oid = /^([0-9a-f]+) (?:commit|tag|tree|blob)$/.exec(lines[at] ?? '')?.[1];
      return oid === undefined ? [] : [[name, oid] as const];
    }),
  );
}

async function configured(place: GitPlace): Promise<string> {
  try {
    return (await gitOutput(place, ['config', '-z', '--get-regexp', '^remote\\.'])).toString('utf8');
  } catch (error) {
    // Nothing is configured.
    if (error instanceof GitFailure && error.status === 1) return '';
    throw error;
  }
}
