import { HaspError } from '@hasp/core';
import type { Finder, Match, Search } from '@hasp/match';
import type { ContentReport, ContentScan, ContentSkip } from '../scan/content.ts';
import type { LargeFilePointer } from '../scan/large-file-pointer.ts';
import type { ObjectHeader, ObjectListener } from './batch.ts';
import { listTree } from './tree-names.ts';

/** A value in an object, as it was met in the stream. */
export interface ObjectHit {
  readonly oid: string;
  readonly type: ObjectHeader['type'];
  readonly secret: string;
  readonly spelling: string;
  /** In bytes, from the beginning of the object, or of what is unpacked from it. */
  readonly offset: number;
  /** What it is packed in. */
  readonly inside?: string;
  /** Of a blob or a tree: where it was first met; of a tree, with the entry's name that has the value. */
  readonly path: Buffer | undefined;
  /** The first commit of those that were read that has it. */
  readonly commit: string | undefined;
}

/** A blob of which a part, or the whole, was not in it. */
export interface ObjectNote<T> {
  readonly oid: string;
  readonly path: Buffer | undefined;
  readonly commit: string | undefined;
  readonly what: T;
}

export interface Inspection extends ObjectListener {
  readonly hits: readonly ObjectHit[];
  readonly skipped: readonly ObjectNote<ContentSkip>[];
  readonly largeFiles: readonly ObjectNote<LargeFilePointer>[];
  readonly counted: { objects: number; bytes: number };
}

/** Names in a tree are looked for with the path before them, for which the tree has to be at hand whole. */
const LARGEST_TREE = 64 * 1024 * 1024;
/** Of a path before a name: more than any spelling is long. */
const FOLDER_KEPT = 4_096;

/**
 * Looks for values in every byte of every object: contents, messages, authors, tags, and names as whole
 * paths. `openBlob` looks into a blob.
 */
export function inspectObjects(finder: Finder, openBlob: () => ContentScan): Inspection {
  const hits: ObjectHit[] = [];
  const skipped: Inspection['skipped'][number][] = [];
  const largeFiles: Inspection['largeFiles'][number][] = [];
  const counted = { objects: 0, bytes: 0 };
  let header: ObjectHeader = NO_HEADER;
  let commit: string | undefined;
  let lastCommit: string | undefined;
  let awaitsTree = false;
  let blob: ContentScan | undefined;
  let text: Search | undefined;
  let tree: Buffer[] = [];

  /** A commit is followed by its tree, if that is new, and by what is new in it; all that a ref names may come between. */
  function commitOf({ type, oid, rest }: ObjectHeader): string | undefined {
    if (type === 'commit') {
      lastCommit = oid;
      awaitsTree = true;
      return oid;
    }
    if (awaitsTree && type === 'tree' && rest.length === 0) {
      awaitsTree = false;
      return lastCommit;
    }
    return awaitsTree || type === 'tag' || rest.length === 0 ? undefined : lastCommit;
  }

  function endBlob({ findings, skipped: skips, largeFile }: ContentReport): void {
    const { oid, type, rest } = header;
    const path = rest.length === 0 ? undefined : rest;
    for (const found of findings) hits.push({ ...found, oid, type, path, commit });
    for (const what of skips) skipped.push({ oid, path, commit, what });
    if (largeFile !== undefined) largeFiles.push({ oid, path, commit, what: largeFile });
  }

  function tell(matches: readonly Match[], pathOf: (match: Match) => Buffer | undefined): void {
    for (const match of matches) {
      const { name: secret, spelling, start: offset } = match;
      hits.push({ oid: header.oid, type: header.type, secret, spelling, offset, path: pathOf(match), commit });
    }
  }

  function endTree(): void {
    const names = listTree(Buffer.concat(tree), header.rest.subarray(-FOLDER_KEPT), header.oid.length / 2);
    const search = finder.search();
    search.feed(names);
    tell(search.end(), ({ start, end }) => names.subarray(names.lastIndexOf(0, start) + 1, zeroAfter(names, end)));
    tree = [];
  }

  return {
    hits,
    skipped,
    largeFiles,
    counted,
    begin(begun) {
      header = { ...begun, rest: Buffer.from(begun.rest) };
      counted.objects += 1;
      counted.bytes += begun.size;
      blob = undefined;
      text = undefined;
      commit = commitOf(begun);
      if (begun.type === 'blob') blob = openBlob();
      else if (begun.type !== 'tree') text = finder.search();
      else if (begun.size > LARGEST_TREE) throw treeTooLarge(begun.oid);
    },
    piece(piece, isLast) {
      if (blob !== undefined) blob.feed(piece, isLast);
      else if (text !== undefined) text.feed(piece, isLast);
      else tree.push(Buffer.from(piece));
    },
    end() {
      if (blob !== undefined) endBlob(blob.end());
      else if (text !== undefined) tell(text.end(), () => undefined);
      else endTree();
    },
  };
}

const NO_HEADER: ObjectHeader = { oid: '', type: 'blob', size: 0, rest: Buffer.alloc(0) };

function zeroAfter(names: Buffer, from: number): number {
  const zero = names.indexOf(0, from);
  return zero < 0 ? names.length : zero;
}

function treeTooLarge(oid: string): HaspError {
  return new HaspError('E_STORAGE', `tree ${oid} has over 64 MiB of names, so it could not be checked`);
}
