import { crc32 } from 'node:zlib';
import { INFLATE_BYTES, makeInflate } from './inflate.ts';
import type { Parsing, Pieces } from './pieces.ts';

/** Takes what is in an archive, in pieces. */
export interface Sink {
  feed(piece: Uint8Array): void;
  end(): void;
}

/** How the reader of an archive tells what it finds. */
export interface Unpacking {
  /** `packed`: the bytes do not lie open in the archive itself. */
  open(entry: string | undefined, packed: boolean): Sink;
  /** Says why something in it, or it itself, was not looked into. */
  skip(why: string, entry?: string): void;
  /** Counts what came out; false where it is more than is looked into. */
  spend(bytes: number): boolean;
}

export type ArchiveReader = (pieces: Pieces, unpacking: Unpacking) => Parsing;

export type Workspace = Uint8Array<ArrayBuffer>;

export interface Inflated {
  /** `stopped`: there was more than is looked into. */
  readonly state: 'ended' | 'damaged' | 'stopped' | 'cut';
  /** Of what came out. */
  readonly crc: number;
}

/** The memory in which one archive's streams are undone, one after the other. */
export const makeWorkspace = (): Workspace => new Uint8Array(INFLATE_BYTES);

/** Undoes one deflate stream into `sink`; reads exactly `limit` bytes, or up to the stream's own end. */
export function* inflateInto(
  sink: Sink,
  pieces: Pieces,
  unpacking: Unpacking,
  workspace: Workspace,
  limit = Number.POSITIVE_INFINITY,
): Parsing<Inflated> {
  let crc = 0;
  const inflate = makeInflate((piece) => {
    crc = crc32(piece, crc);
    sink.feed(piece);
    return unpacking.spend(piece.length);
  }, workspace);
  let left = limit;
  while (inflate.state === 'going') {
    if (left === 0 || !(yield* pieces.more())) break;
    const part = pieces.piece.subarray(pieces.at, pieces.at + left);
    const taken = inflate.feed(part, 0);
    pieces.at += taken;
    left -= taken;
  }
  inflate.end();
  sink.end();
  if (Number.isFinite(left) && inflate.state !== 'stopped') yield* pieces.pass(left, () => {});
  return { state: inflate.state === 'going' ? 'cut' : inflate.state, crc };
}
