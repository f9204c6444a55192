import { constants, copyFileSync, linkSync, readdirSync, renameSync, statSync } from 'node:fs';
import type { Home } from '@hasp/core';
import { isErrno, isLinkless } from './failures.ts';
import { createAside, syncPath } from './new-file.ts';
import { readPrefix } from './prefix.ts';
import type { Problem } from './problem.ts';
import type { SealState } from './seal-state.ts';

/** Beside a log that was put aside: what is known of it. All but the key of the seal, which nobody may use any more. */
export interface ArchiveReport {
  readonly archivedAt: string;
  readonly chain: string;
  readonly problem: Problem;
  /** Records that verify from the first on, and the last of them. */
  readonly records: number;
  readonly head: { readonly seq: number; readonly mac: string; readonly time: string } | null;
  readonly fenced: number;
  /** What the vault had noted. */
  readonly mark: { readonly seq: number; readonly mac: string } | null;
  readonly seal: SealState;
  /** Null if there was no log. */
  readonly log: {
    readonly file: string;
    readonly bytes: number;
    readonly lines: number;
    readonly sha256: string;
  } | null;
  /** The chain that follows. */
  readonly next: string;
}

/**
 * Gives the log a second name, audit-CHAIN-TIME.jsonl, and writes the report beside it. The log keeps its own name, so
 * that a kill here leaves all as it was. A log that was archived by an attempt that was killed keeps that name.
 * @returns both names, and what the log was
 */
export function archiveLog(
  home: Home,
  facts: Omit<ArchiveReport, 'log'>,
): { readonly report: string; readonly log: ArchiveReport['log'] } {
  const isThere = statSync(home.auditLog, { throwIfNoEntry: false }) !== undefined;
  const base = (isThere ? archivedAs(home) : undefined) ?? freeName(home, facts);
  const file = `${base}.jsonl`;
  if (isThere) giveSecondName(home.auditLog, `${home.root}/${file}`);
  const { bytes, lines, sha256 } = readPrefix(home, Number.MAX_SAFE_INTEGER);
  const log = isThere ? { file, bytes, lines, sha256 } : null;
  const report = `${base}.json`;
  const text = `${JSON.stringify({ ...facts, log }, null, 2)}\n`;
  renameSync(createAside(`${home.root}/${report}`, Buffer.from(text, 'utf8')), `${home.root}/${report}`);
  syncPath(home.root);
  return { report, log };
}

/** The name that an attempt before this one gave to this very file. */
function archivedAs({ root, auditLog }: Home): string | undefined {
  const { dev, ino } = statSync(auditLog);
  return readdirSync(root)
    .filter((name) => /^audit-.*\.jsonl$/.test(name))
    .find((name) => {
      const other = statSync(`${root}/${name}`, { throwIfNoEntry: false });
      return other?.ino === ino && other.dev === dev;
    })
    ?.replace(/\.jsonl$/, '');
}

function freeName({ root }: Home, { chain, archivedAt }: Omit<ArchiveReport, 'log'>): string {
  const time = archivedAt.replace(/[-:]|\.\d+/g, '');
  const names = new Set(readdirSync(root));
  for (let count = 1; ; count++) {
    const base = `audit-${chain.slice(0, 8)}-${time}${count === 1 ? '' : `-${count}`}`;
    if (!names.has(`${base}.jsonl`) && !names.has(`${base}.json`)) return base;
  }
}

function giveSecondName(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return;
    if (!isLinkless(error)) throw error;
    // No hard links there.
    copyFileSync(from, to, constants.COPYFILE_EXCL);
    syncPath(to);
  }
}
