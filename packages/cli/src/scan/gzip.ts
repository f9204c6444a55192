import { inflateInto, makeWorkspace, type Unpacking } from './archive.ts';
import type { Parsing, Pieces } from './pieces.ts';

/** With the only method there is. */
const MAGIC = 0x1f8b08;
const HEADER_CHECK = 2;
const EXTRA = 4;
const NAME = 8;
const COMMENT = 16;
const TRAILER_BYTES = 8;

/** RFC 1952: any number of members, which are one stream; what follows the last one is nobody's. */
export function* readGzip(pieces: Pieces, unpacking: Unpacking): Parsing {
  const workspace = makeWorkspace();
  const sink = unpacking.open(undefined, true);
  // The sink outlives the members: what they hold is read as one, as gunzip does.
  const held = { feed: sink.feed, end: () => {} };
  for (let member = 0; ; member += 1) {
    if (member > 0) yield* passZeros(pieces);
    const header = yield* readHeader(pieces);
    if (header === 'none' && member > 0) break;
    if (header !== 'data') {
      unpacking.skip('is a gzip that is cut short');
      break;
    }
    const { state, crc } = yield* inflateInto(held, pieces, unpacking, workspace);
    if (state === 'stopped') break;
    const trailer = state === 'ended' ? yield* pieces.bytes(TRAILER_BYTES) : undefined;
    if (trailer?.readUInt32LE(0) === crc) continue;
    unpacking.skip(state === 'damaged' || trailer !== undefined ? 'is a damaged gzip' : 'is a gzip that is cut short');
    break;
  }
  sink.end();
}

/** Between members tapes have zeros, and gzip(1) reads on behind them. */
function* passZeros(pieces: Pieces): Parsing<void> {
  while (yield* pieces.more()) {
    while (pieces.piece[pieces.at] === 0) pieces.at += 1;
    if (pieces.at < pieces.piece.length) return;
  }
}

/** `none` where no member begins. */
function* readHeader(pieces: Pieces): Parsing<'data' | 'none' | 'cut'> {
  const fixed = yield* pieces.bytes(10);
  if (fixed === undefined || fixed.readUInt32BE(0) >>> 8 !== MAGIC) return 'none';
  const flags = fixed.readUInt8(3);
  if (flags & EXTRA) {
    const length = yield* pieces.bytes(2);
    if (length === undefined || !(yield* pieces.pass(length.readUInt16LE(0), () => {}))) return 'cut';
  }
  if (flags & NAME && !(yield* passText(pieces))) return 'cut';
  if (flags & COMMENT && !(yield* passText(pieces))) return 'cut';
  return flags & HEADER_CHECK && (yield* pieces.bytes(2)) === undefined ? 'cut' : 'data';
}

/** Up to and with a NUL. It lies open in the file, where it is seen. */
function* passText(pieces: Pieces): Parsing<boolean> {
  while (yield* pieces.more()) {
    const end = pieces.piece.indexOf(0, pieces.at);
    pieces.at = end < 0 ? pieces.piece.length : end + 1;
    if (end >= 0) return true;
  }
  return false;
}
