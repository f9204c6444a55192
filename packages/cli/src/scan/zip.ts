import { inflateInto, makeWorkspace, type Unpacking, type Workspace } from './archive.ts';
import type { Parsing, Pieces } from './pieces.ts';

const P = 0x50;
/** What every signature begins with. */
const PK = Buffer.from('PK');
const ENTRY = 0x04034b50;
const LISTED = 0x02014b50;
const END = 0x06054b50;
const DESCRIPTOR = 0x08074b50;
const ENCRYPTED = 1;
const SIZES_FOLLOW = 8;
/** The level of packing, a name in UTF-8, and the two above. */
const KNOWN_FLAGS = 0x080f;
const IN_ZIP64 = 0xffffffff;
const STORED = 0;
const DEFLATED = 8;
const METHODS: Readonly<Record<number, string>> = {
  9: 'Deflate64',
  12: 'bzip2',
  14: 'LZMA',
  93: 'Zstandard',
  95: 'xz',
  98: 'PPMd',
};

interface Entry {
  readonly name: string;
  readonly flags: number;
  readonly method: number;
  /** Packed; undefined where it is told only behind the data. */
  readonly bytes: number | undefined;
  /** Undefined likewise. */
  readonly crc: number | undefined;
}

/**
 * APPNOTE 6.3, read from its beginning on: the entries as they lie, not as the list at the end tells.
 * The list serves to see that none was missed.
 */
export function* readZip(pieces: Pieces, unpacking: Unpacking): Parsing {
  yield* readEntries(pieces, unpacking, () => true);
}

/** A zip behind a program, if there is one: of what only looks like one nothing is said. */
export function* readZipBehind(pieces: Pieces, unpacking: Unpacking): Parsing {
  const skips: [why: string, entry: string | undefined][] = [];
  const quiet: Unpacking = { ...unpacking, skip: (why, entry) => skips.push([why, entry]) };
  const isZip = yield* readEntries(pieces, quiet, isPlausible);
  if (isZip) for (const [why, entry] of skips) unpacking.skip(why, entry);
}

/** Whether it was one, with an end that lists what was found. */
function* readEntries(pieces: Pieces, unpacking: Unpacking, isMeant: (entry: Entry) => boolean): Parsing<boolean> {
  const workspace = makeWorkspace();
  let found = 0;
  let listed = 0;
  let ended = false;
  for (;;) {
    const signature = yield* nextSignature(pieces);
    if (signature === undefined) break;
    if (signature === LISTED) listed += 1;
    if (signature === END) ended = true;
    if (signature !== ENTRY) continue;
    const entry = yield* readEntry(pieces);
    if (entry === undefined) break;
    if (!isMeant(entry)) continue;
    found += 1;
    if (!(yield* unpack(entry, pieces, unpacking, workspace))) return true;
  }
  if (!ended) unpacking.skip('is a zip that is damaged or cut short');
  else if (found < listed) unpacking.skip('is a zip that lists more than could be found in it');
  return ended && listed > 0 && found > 0;
}

/** What four bytes in a program are not by chance. */
function isPlausible({ name, flags, method }: Entry): boolean {
  const isKnown = method === STORED || method === DEFLATED || method in METHODS;
  return isKnown && (flags & ~KNOWN_FLAGS) === 0 && /^[^\p{Cc}]{1,1024}$/u.test(name);
}

/** The next record of any kind, wherever it begins; undefined where there is none. */
function* nextSignature(pieces: Pieces): Parsing<number | undefined> {
  let seen = 0;
  while (yield* pieces.more()) {
    const { buffer, byteOffset, length } = pieces.piece;
    const piece = Buffer.from(buffer, byteOffset, length);
    while (pieces.at < piece.length) {
      // Far from a "P" there is nothing to look at; the last byte may be one whose "K" is in the next piece.
      if (seen >>> 24 !== P && ((seen >>> 16) & 0xff) !== P && ((seen >>> 8) & 0xff) !== P) {
        const next = piece.indexOf(PK, pieces.at);
        pieces.at = next >= 0 ? next : piece.length - (piece.at(-1) === P ? 1 : 0);
        seen = 0;
        if (pieces.at === piece.length) break;
      }
      seen = ((seen >>> 8) | ((piece[pieces.at] as number) << 24)) >>> 0;
      pieces.at += 1;
      if (seen === ENTRY || seen === LISTED || seen === END) return seen;
    }
  }
  return undefined;
}

function* readEntry(pieces: Pieces): Parsing<Entry | undefined> {
  const fixed = yield* pieces.bytes(26);
  if (fixed === undefined) return undefined;
  const flags = fixed.readUInt16LE(2);
  const name = yield* pieces.bytes(fixed.readUInt16LE(22));
  const extra = yield* pieces.bytes(fixed.readUInt16LE(24));
  if (name === undefined || extra === undefined) return undefined;
  const plain = fixed.readUInt32LE(18);
  const packed = fixed.readUInt32LE(14);
  const bytes = packed === IN_ZIP64 ? zip64Bytes(extra, plain === IN_ZIP64) : packed;
  return {
    name: name.toString(),
    flags,
    method: fixed.readUInt16LE(4),
    bytes: flags & SIZES_FOLLOW && packed === 0 ? undefined : bytes,
    crc: flags & SIZES_FOLLOW ? undefined : fixed.readUInt32LE(10),
  };
}

/** The packed size in the extra field 1, where the plain one stands before it. */
function zip64Bytes(extra: Buffer, behindPlain: boolean): number | undefined {
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) !== 1) continue;
    const place = at + 4 + (behindPlain ? 8 : 0);
    const size = place + 8 <= extra.length ? Number(extra.readBigUInt64LE(place)) : 0;
    // With the sizes behind the data, zero stands here too.
    return size === 0 ? undefined : size;
  }
  return undefined;
}

/** False where there is more than is looked into. */
function* unpack(entry: Entry, pieces: Pieces, unpacking: Unpacking, workspace: Workspace): Parsing<boolean> {
  const { name, flags, method, bytes } = entry;
  const why =
    flags & ENCRYPTED
      ? 'is encrypted'
      : method === STORED
        ? bytes === undefined
          ? 'is stored without its length'
          : undefined
        : method === DEFLATED
          ? undefined
          : `is packed with ${METHODS[method] ?? `method ${method}`}, which hasp can’t look into`;
  if (why !== undefined) {
    unpacking.skip(why, name);
    yield* pieces.pass(bytes ?? 0, () => {});
    return true;
  }
  const sink = unpacking.open(name, method === DEFLATED);
  if (method === STORED) {
    const whole = yield* pieces.pass(bytes ?? 0, sink.feed);
    sink.end();
    return whole;
  }
  const { state, crc } = yield* inflateInto(sink, pieces, unpacking, workspace, bytes);
  if (state === 'stopped') return false;
  const expected = state === 'ended' ? (entry.crc ?? (yield* readDescriptor(pieces))) : undefined;
  if (expected !== crc) unpacking.skip('is damaged or cut short', name);
  return true;
}

/** The checksum behind the data, with a signature before it or without. */
function* readDescriptor(pieces: Pieces): Parsing<number | undefined> {
  const first = (yield* pieces.bytes(4))?.readUInt32LE(0);
  return first === DESCRIPTOR ? (yield* pieces.bytes(4))?.readUInt32LE(0) : first;
}
