import type { ArchiveReader } from './archive.ts';
import { readGzip } from './gzip.ts';
import { isTar, readTar } from './tar.ts';
import { readZip, readZipBehind } from './zip.ts';

/** `open`: what is in it lies in it as it is. */
export type ArchiveKind = 'packed' | 'open';

/** What a file's first bytes say it is: something to unpack, or that it can't be. */
export type Format = { readonly read: ArchiveReader; readonly kind: ArchiveKind } | { readonly closed: string };

/** As many bytes decide. */
export const FORMAT_BYTES = 512;

const packed = (read: ArchiveReader): Format => ({ read, kind: 'packed' });
const closed = (name: string): Format => ({ closed: `is compressed with ${name}, which hasp can’t look into` });

const FORMATS: readonly (readonly [magic: readonly number[], format: Format])[] = [
  [[0x1f, 0x8b, 0x08], packed(readGzip)],
  [[0x50, 0x4b, 0x03, 0x04], packed(readZip)],
  // Of several parts, of which this is the first; or the only one after all.
  [[0x50, 0x4b, 0x07, 0x08], packed(readZip)],
  [[0x50, 0x4b, 0x30, 0x30, 0x50, 0x4b], packed(readZip)],
  // Programs: a script, ELF, Windows.
  [[0x23, 0x21], packed(readZipBehind)],
  [[0x7f, 0x45, 0x4c, 0x46], packed(readZipBehind)],
  [[0x4d, 0x5a], packed(readZipBehind)],
  [[0x28, 0xb5, 0x2f, 0xfd], closed('Zstandard')],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], closed('xz')],
  [[0x42, 0x5a, 0x68], closed('bzip2')],
  [[0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c], closed('7-Zip')],
  [[0x52, 0x61, 0x72, 0x21, 0x1a, 0x07], closed('RAR')],
  [[0x04, 0x22, 0x4d, 0x18], closed('LZ4')],
  [[0x4c, 0x5a, 0x49, 0x50, 0x01], closed('lzip')],
  [[0x89, 0x4c, 0x5a, 0x4f, 0x00], closed('lzop')],
  [[0x1f, 0x9d], closed('compress')],
];

const TAR: Format = { read: readTar, kind: 'open' };

/** Whether anything could begin with this byte. */
const FIRSTS = new Set(FORMATS.map(([magic]) => magic[0]));

/** False for most of all there is: a beginning that needs no second look. */
export function mayBeFormat(start: Uint8Array, isWhole: boolean): boolean {
  return FIRSTS.has(start[0]) || isTar(start) || (start.length < FORMAT_BYTES && !isWhole);
}

export function formatOf(start: Uint8Array): Format | undefined {
  if (isTar(start)) return TAR;
  // "BZh" begins words too: behind it stands a digit, and then pi.
  const isBzip2 = start[3] !== undefined && start[3] >= 0x31 && start[3] <= 0x39 && start[4] === 0x31;
  const found = FORMATS.find(([magic]) => magic.every((byte, at) => start[at] === byte));
  return found?.[0][0] === 0x42 && !isBzip2 ? undefined : found?.[1];
}
