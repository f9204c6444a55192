import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync } from 'node:fs';
import type { Finder } from '@hasp/match';
import { type BytePath, systemPath } from './byte-path.ts';
import { type ContentFinding, type ContentReport, scanContent } from './content.ts';
import { makePlaceFinder } from './place.ts';
import type { Pointing } from './scan-large-files.ts';
import type { Tally } from './tally.ts';

/** `changed`: it was something else a moment ago. */
type Outcome = 'done' | 'folder' | 'changed';

/** Looks into a file or a link, or finds a folder; a link is followed only where that is asked for. */
export type FileScan = (path: BytePath, follows?: boolean) => 'done' | 'folder';

const PIECE_BYTES = 256 * 1024;
/** A file may grow by so much while it is read. */
const GROWTH_BYTES = 64 * 1024 * 1024;
/** What is no file any more does not hold us up, and a link is not followed. */
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;
const TRIES = 5;

/** For any number of files, one after the other, in one buffer. */
export function makeFileScan(tally: Tally, pointing: (file: Pointing) => void): FileScan {
  const memory = makePieceMemory(tally.finder);

  function scanOnce(path: BytePath, follows: boolean): Outcome {
    let descriptor: number;
    try {
      descriptor = openSync(systemPath(path), follows ? FLAGS & ~constants.O_NOFOLLOW : FLAGS);
    } catch (error) {
      const code = codeOf(error);
      if (code === 'ELOOP' || code === 'EMLINK') return scanLink(path, tally);
      if (code === 'ENXIO') tally.leaveOut(path, SPECIAL);
      else if (!isGone(code)) tally.skip(path, whyNot(code));
      return 'done';
    }
    try {
      return scanOpen(path, descriptor);
    } finally {
      closeSync(descriptor);
    }
  }

  function scanOpen(path: BytePath, descriptor: number): Outcome {
    const content = scanContent(tally.finder);
    const { bytes, code } = readInto(content.feed, descriptor, memory);
    if (code === 'EISDIR') return 'folder';
    const report = content.end();
    tally.files += 1;
    tally.bytes += bytes;
    if (code === 'ESPIPE') tally.leaveOut(path, SPECIAL);
    else if (code !== undefined) tally.skip(path, whyNot(code));
    if (report.findings.length > 0 || report.skipped.length > 0) {
      tally.content(path, 'content', withPlaces(report, descriptor, memory));
    }
    if (report.largeFile !== undefined) pointing({ path, pointer: report.largeFile });
    return 'done';
  }

  return (path, follows = false) => {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const outcome = scanOnce(path, follows);
      if (outcome !== 'changed') return outcome;
    }
    tally.skip(path, 'changes all the time');
    return 'done';
  };
}

/** Where pieces are read to. */
interface PieceMemory {
  readonly buffer: Buffer;
  /** Goes over to memory from which the matcher need not copy, once there is some. */
  improve(): void;
}

function makePieceMemory(finder: Finder): PieceMemory {
  let buffer = Buffer.allocUnsafeSlow(PIECE_BYTES);
  let isBest = false;
  return {
    get buffer() {
      return buffer;
    },
    improve() {
      const better = isBest ? undefined : finder.memory(PIECE_BYTES);
      if (better === undefined) return;
      buffer = Buffer.from(better.buffer, better.byteOffset, PIECE_BYTES);
      isBest = true;
    },
  };
}

const SPECIAL = 'is a socket, a pipe or a device';

/** Removed since it was listed; or in the index, and not in the work tree. */
const isGone = (code: string): boolean => code === 'ENOENT' || code === 'ENOTDIR';

/** Up to the end, or up to what keeps it from going on. */
function readInto(feed: (piece: Buffer, isLast: boolean) => void, descriptor: number, memory: PieceMemory): Amount {
  let bytes = 0;
  let filled = 0;
  let most = Number.POSITIVE_INFINITY;
  let code: string | undefined;
  try {
    for (let count = -1; count !== 0; ) {
      count = readSync(descriptor, memory.buffer, filled, PIECE_BYTES - filled, bytes);
      bytes += count;
      filled += count;
      if (filled < PIECE_BYTES) continue;
      feed(memory.buffer, false);
      filled = 0;
      memory.improve();
      if (most === Number.POSITIVE_INFINITY) most = fstatSync(descriptor).size + GROWTH_BYTES;
      if (bytes > most) return { bytes, code: 'GROWS' };
    }
  } catch (error) {
    code = codeOf(error);
  }
  if (filled > 0) feed(memory.buffer.subarray(0, filled), true);
  return code === undefined ? { bytes } : { bytes, code };
}

interface Amount {
  readonly bytes: number;
  /** What kept it from reading on. */
  readonly code?: string;
}

/** Reads a longer file again, up to where something was found. */
function withPlaces(report: ContentReport, descriptor: number, memory: PieceMemory): ContentReport {
  const open = report.findings.filter(({ inside, line }) => inside === undefined && line === undefined);
  if (open.length === 0) return report;
  const finder = makePlaceFinder(open.map(({ offset }) => offset));
  readInto((piece) => finder.feed(piece), descriptor, memory);
  const placed = (finding: ContentFinding) =>
    open.includes(finding) ? { ...finding, ...finder.places.get(finding.offset) } : finding;
  return { ...report, findings: report.findings.map(placed) };
}

/** The text of the link; where it leads is another matter. */
export function scanLink(path: BytePath, tally: Tally): 'done' | 'changed' {
  try {
    const target = readlinkSync(systemPath(path), { encoding: 'buffer' });
    const content = scanContent(tally.finder);
    content.feed(target, true);
    tally.files += 1;
    tally.bytes += target.length;
    tally.content(path, 'link', content.end());
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EINVAL') return 'changed';
    if (!isGone(code)) tally.skip(path, whyNot(code));
  }
  return 'done';
}

export function codeOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === undefined || !code.startsWith('E')) throw error;
  return code;
}

export function whyNot(code: string): string {
  if (code === 'GROWS') return 'grows faster than it can be read';
  if (code === 'EACCES' || code === 'EPERM') return `may not be read (${code})`;
  return code === 'ENAMETOOLONG' ? 'lies too deep: its path is too long to open' : `could not be read (${code})`;
}
