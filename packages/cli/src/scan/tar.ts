import type { Unpacking } from './archive.ts';
import type { Parsing, Pieces } from './pieces.ts';

const BLOCK = 512;
const SIZE = 124;
const SIZE_BYTES = 12;
const TYPE = 156;
const MAGIC = 257;
const PREFIX = 345;
const PREFIX_BYTES = 155;
const FILES = ['0', '\0', '7'];

/** Whether the first block is one of a ustar, pax or GNU archive. */
export function isTar(start: Uint8Array): boolean {
  if (start.length < BLOCK) return false;
  return [0x75, 0x73, 0x74, 0x61, 0x72].every((byte, at) => start[MAGIC + at] === byte);
}

/** POSIX 1003.1, pax. What is in it lies open, and was seen there: only what is packed in it is of interest. */
export function* readTar(pieces: Pieces, unpacking: Unpacking): Parsing {
  for (;;) {
    const header = yield* pieces.bytes(BLOCK);
    if (header === undefined) return;
    // Two blocks of nothing are the end; some write on behind it.
    if (!isTar(header)) continue;
    const size = sizeIn(header);
    const isFile = FILES.includes(String.fromCharCode(header[TYPE] as number));
    const sink = isFile ? unpacking.open(nameIn(header), false) : { feed: () => {}, end: () => {} };
    const isWhole = yield* pieces.pass(size, sink.feed);
    sink.end();
    if (!isWhole) return unpacking.skip('is a tar that is cut short');
    yield* pieces.pass((BLOCK - (size % BLOCK)) % BLOCK, () => {});
  }
}

function nameIn(header: Buffer): string {
  const text = (at: number, length: number): string => header.toString('utf8', at, at + length).split('\0')[0] ?? '';
  // GNU keeps times where others keep the folder.
  const folder = header[MAGIC + 5] === 0 ? text(PREFIX, PREFIX_BYTES) : '';
  return folder === '' ? text(0, 100) : `${folder}/${text(0, 100)}`;
}

/** Octal digits, or bytes where the first bit says so. */
function sizeIn(header: Buffer): number {
  if ((header[SIZE] as number) & 0x80) return Number(header.readBigUInt64BE(SIZE + SIZE_BYTES - 8));
  return Number.parseInt(header.toString('latin1', SIZE, SIZE + SIZE_BYTES).replace(/[^0-7].*$/s, ''), 8) || 0;
}
