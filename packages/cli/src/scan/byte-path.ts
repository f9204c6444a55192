import type { Finder } from '@hasp/match';

/** A path as its bytes, one character each: a name need not be UTF-8, and what is found in it is counted in bytes. */
export type BytePath = string;

export function bytePath(path: string): BytePath {
  return Buffer.from(path).toString('latin1');
}

const NOT_ASCII = /[\x80-\xff]/;

/** For the calls of node:fs, which take text for UTF-8. */
export function systemPath(path: BytePath): string | Buffer {
  return NOT_ASCII.test(path) ? Buffer.from(path, 'latin1') : path;
}

/** "" is the folder where we are; nothing is put before what lies in it. */
export function joinPath(folder: BytePath, name: BytePath): BytePath {
  return folder === '' || folder.endsWith('/') ? folder + name : `${folder}/${name}`;
}

/** As it can be shown: values in it are masked, and a byte that is no UTF-8 is written as `\xff`. */
export function showPath(path: BytePath, finder: Finder): string {
  const masked = Buffer.from(finder.maskBytes(Buffer.from(path, 'latin1')));
  let shown = '';
  for (let at = 0; at < masked.length; ) {
    const length = characterAt(masked, at);
    shown += length === 0 ? `\\x${masked.toString('hex', at, at + 1)}` : masked.toString('utf8', at, at + length);
    at += Math.max(1, length);
  }
  return shown;
}

/** How many bytes the character has; 0 where there is none. */
function characterAt(bytes: Buffer, at: number): number {
  const first = bytes[at] as number;
  const length = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf8 ? 4 : 0;
  return length > 0 && !bytes.toString('utf8', at, at + length).includes('\ufffd') ? length : 0;
}
