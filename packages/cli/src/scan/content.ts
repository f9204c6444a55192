import type { Finder } from '@hasp/match';
import type { Sink, Unpacking } from './archive.ts';
import { type ArchiveKind, mayBeFormat } from './format.ts';
import { type LargeFilePointer, MAX_POINTER_BYTES, mayBePointer, parseLargeFilePointer } from './large-file-pointer.ts';
import { makePlaceFinder, type Place } from './place.ts';
import { makeUnpacker } from './unpack.ts';

/** A value in a blob, or in what is packed in it. */
export interface ContentFinding extends Partial<Place> {
  /** As the finder names it. */
  readonly secret: string;
  readonly spelling: string;
  /** In bytes, from the beginning of the blob, or of the part that is unpacked. */
  readonly offset: number;
  /** The part: `a.txt`, `lib.jar!/a.txt`. As hostile as any path. */
  readonly inside?: string;
}

/** Something that nobody looked into. */
export interface ContentSkip {
  /** Goes on from the name of the blob or the part: `is encrypted`. */
  readonly why: string;
  /** The first such part; missing where it is the blob itself. */
  readonly inside?: string;
  /** How many of them there are. */
  readonly count: number;
}

export interface ContentReport {
  /** Of each secret the first place that lies open, and the first that is packed. Lines where the blob came in one piece. */
  readonly findings: readonly ContentFinding[];
  readonly skipped: readonly ContentSkip[];
  /** What the blob stands for. */
  readonly largeFile?: LargeFilePointer;
}

/**
 * Looks for values in one blob that comes in pieces, in order, and in what is packed in it. A piece may be
 * overwritten once the next one comes, the last one after `end`.
 */
export interface ContentScan {
  /** `isLast`: nothing comes behind it, which is quicker. */
  feed(piece: Uint8Array, isLast?: boolean): void;
  end(): ContentReport;
}

/** So much is unpacked of one blob, all its parts together. */
export const MAX_UNPACKED_BYTES = 64 * 1024 * 1024;
/** So many archives may be in each other, of each kind. */
const MAX_DEPTH: Readonly<Record<ArchiveKind, number>> = { packed: 2, open: 2 };
const UNPACKED = '(unpacked)';

/** What is known of the blob so far, with all its parts. */
interface Look {
  readonly finder: Finder;
  readonly open: ContentFinding[];
  readonly packed: Map<string, ContentFinding>;
  readonly skips: Map<string, ContentSkip>;
  unpackedBytes: number;
}

export function scanContent(finder: Finder): ContentScan {
  const look: Look = { finder, open: [], packed: new Map(), skips: new Map(), unpackedBytes: 0 };
  const layer = makeLayer(look, { packed: 0, open: 0 }, undefined, true);
  /** Of what may be a pointer. */
  let start: Buffer | undefined;
  let isFirst = true;
  return {
    feed(piece, isLast = false) {
      if (isFirst && mayBePointer(piece)) start = Buffer.alloc(0);
      isFirst &&= piece.length === 0;
      if (start !== undefined) {
        start = start.length + piece.length > MAX_POINTER_BYTES ? undefined : Buffer.concat([start, piece]);
      }
      layer.feed(piece, isLast);
    },
    end() {
      layer.end();
      const largeFile = start && parseLargeFilePointer(start);
      const findings = [...look.open, ...look.packed.values()];
      return { findings, skipped: [...look.skips.values()], ...(largeFile === undefined ? {} : { largeFile }) };
    },
  };
}

interface Layer extends Sink {
  feed(piece: Uint8Array, isLast?: boolean): void;
}

/** How many archives of each kind are around it. */
type Depth = Readonly<Record<ArchiveKind, number>>;

/** The blob, or a part. A part that lies open in what it is packed in was searched there. */
function makeLayer(look: Look, depth: Depth, inside: string | undefined, isSearched: boolean): Layer {
  const search = isSearched ? look.finder.search() : undefined;
  /** Undefined for what can be no archive: most of all there is. */
  let unpacker: Sink | undefined;
  let pieces = 0;
  let last: Uint8Array | undefined;
  return {
    feed(piece, isLast = false) {
      if (piece.length === 0) return;
      if (pieces === 0 && mayBeFormat(piece, isLast)) {
        const enter = (kind: ArchiveKind) =>
          depth[kind] === MAX_DEPTH[kind]
            ? undefined
            : makeUnpacking(look, { ...depth, [kind]: depth[kind] + 1 }, inside);
        unpacker = makeUnpacker(enter, (why) => skip(look, why, inside));
      }
      pieces += 1;
      last = piece;
      search?.feed(piece, isLast);
      unpacker?.feed(piece);
    },
    end() {
      const matches = search?.end() ?? [];
      if (matches.length > 0) {
        const finder = makePlaceFinder(matches.map(({ start }) => start));
        if (pieces === 1 && last !== undefined) finder.feed(last);
        for (const { name, spelling, start } of matches) {
          const where = inside === undefined ? {} : { inside };
          add(look, { secret: name, spelling, offset: start, ...finder.places.get(start), ...where });
        }
      }
      unpacker?.end();
    },
  };
}

function makeUnpacking(look: Look, depth: Depth, inside: string | undefined): Unpacking {
  const within = (part: string): string => (inside === undefined || inside === UNPACKED ? part : `${inside}!/${part}`);
  return {
    open: (part = UNPACKED, isPacked) => makeLayer(look, depth, within(part), isPacked),
    skip: (why, part) => skip(look, why, part === undefined ? inside : within(part)),
    spend(bytes) {
      if (look.unpackedBytes > MAX_UNPACKED_BYTES) return false;
      look.unpackedBytes += bytes;
      if (look.unpackedBytes <= MAX_UNPACKED_BYTES) return true;
      skip(look, `holds more than ${MAX_UNPACKED_BYTES / 2 ** 20} MiB: the rest was not looked into`, undefined);
      return false;
    },
  };
}

function add({ open, packed }: Look, finding: ContentFinding): void {
  if (finding.inside === undefined) open.push(finding);
  else if (!packed.has(finding.secret)) packed.set(finding.secret, finding);
}

function skip({ skips }: Look, why: string, inside: string | undefined): void {
  const known = skips.get(why);
  if (known === undefined) skips.set(why, { why, count: 1, ...(inside === undefined ? {} : { inside }) });
  else skips.set(why, { ...known, count: known.count + 1 });
}
