import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync } from 'node:fs';
import { type BytePath, systemPath } from './byte-path.ts';
import { type ContentFinding, type ContentReport, scanContent } from './content.ts';
import { makePlaceFinder } from './place.ts';
import type { Tally } from './tally.ts';

/** What was there under a path. */
type Kind = 'file' | 'link' | 'folder' | 'gone' | 'unreadable' | 'special';

const PIECE_BYTES = 256 * 1024;
/** A file may grow by so much while it is read. */
const GROWTH_BYTES = 64 * 1024 * 1024;
/** What is no file any more does not hold us up, and a link is not followed. */
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;

/** Looks into one file; a link is followed only where that is asked for. */
export type FileScan = (path: BytePath, follows?: boolean) => Kind;

/** For any number of files, one after the other, in one buffer. */
export function makeFileScan(tally: Tally): FileScan {
  const buffer = Buffer.allocUnsafeSlow(PIECE_BYTES);
  return (path, follows = false) => {
    let descriptor: number;
    try {
      descriptor = openSync(systemPath(path), follows ? FLAGS & ~constants.O_NOFOLLOW : FLAGS);
    } catch (error) {
      return scanOther(path, codeOf(error), tally);
    }
    try {
      const content = scanContent(tally.matcher);
      const bytes = readInto(content.feed, descriptor, buffer);
      const report = content.end();
      tally.files += 1;
      tally.bytes += bytes.read;
      if (bytes.grows) tally.skip(path, `grows faster than it can be read: ${bytes.read} bytes of it were looked into`);
      if (report.findings.length > 0 || report.skipped.length > 0) {
        tally.content(path, 'content', withPlaces(report, descriptor, buffer));
      }
      if (report.largeFile !== undefined) tally.skip(path, 'stands for a file that Git LFS keeps elsewhere');
      return 'file';
    } catch (error) {
      const code = codeOf(error);
      if (code === 'EISDIR') return 'folder';
      if (code === 'ESPIPE') return special(path, tally);
      tally.skip(path, whyNot(code));
      return 'unreadable';
    } finally {
      closeSync(descriptor);
    }
  };
}

function readInto(feed: (piece: Buffer) => void, descriptor: number, buffer: Buffer): { read: number; grows: boolean } {
  let read = 0;
  let most = Number.POSITIVE_INFINITY;
  for (;;) {
    const count = readSync(descriptor, buffer, 0, PIECE_BYTES, read);
    if (count === 0) return { read, grows: false };
    feed(count === PIECE_BYTES ? buffer : buffer.subarray(0, count));
    read += count;
    if (count === PIECE_BYTES && most === Number.POSITIVE_INFINITY) most = fstatSync(descriptor).size + GROWTH_BYTES;
    if (read > most) return { read, grows: true };
  }
}

/** Reads a longer file again, up to where something was found. */
function withPlaces(report: ContentReport, descriptor: number, buffer: Buffer): ContentReport {
  const open = report.findings.filter(({ inside, line }) => inside === undefined && line === undefined);
  if (open.length === 0) return report;
  const finder = makePlaceFinder(open.map(({ offset }) => offset));
  for (let at = 0; ; ) {
    const count = readSync(descriptor, buffer, 0, PIECE_BYTES, at);
    if (count === 0 || !finder.feed(buffer.subarray(0, count))) break;
    at += count;
  }
  const placed = (finding: ContentFinding) =>
    open.includes(finding) ? { ...finding, ...finder.places.get(finding.offset) } : finding;
  return { ...report, findings: report.findings.map(placed) };
}

function scanOther(path: BytePath, code: string, tally: Tally): Kind {
  // It was removed since it was listed, or is in the index and not in the work tree.
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'gone';
  if (code === 'ELOOP' || code === 'EMLINK') return scanLink(path, tally);
  if (code === 'ENXIO') return special(path, tally);
  tally.skip(path, whyNot(code));
  return 'unreadable';
}

function special(path: BytePath, tally: Tally): Kind {
  tally.leaveOut(path, 'is a socket, a pipe or a device');
  return 'special';
}

/** The text of the link; where it leads is another matter. */
export function scanLink(path: BytePath, tally: Tally): Kind {
  try {
    const content = scanContent(tally.matcher);
    const target = readlinkSync(systemPath(path), { encoding: 'buffer' });
    content.feed(target);
    tally.files += 1;
    tally.bytes += target.length;
    tally.content(path, 'link', content.end());
    return 'link';
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return 'gone';
    tally.skip(path, whyNot(codeOf(error)));
    return 'unreadable';
  }
}

export function codeOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === undefined || !code.startsWith('E')) throw error;
  return code;
}

export function whyNot(code: string): string {
  if (code === 'EACCES' || code === 'EPERM') return `may not be read (${code})`;
  return code === 'ENAMETOOLONG' ? 'lies too deep: its path is too long to open' : `could not be read (${code})`;
}
