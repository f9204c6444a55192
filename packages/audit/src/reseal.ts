import { closeSync, fstatSync, linkSync, renameSync, rmSync } from 'node:fs';
import type { AuditMark, Home } from '@hasp/core';
import { LINK_BYTES, nextKey, Ratchet } from './chain.ts';
import type { ChainRoot } from './create.ts';
import { openIfThere, realDisk } from './disk.ts';
import { asWriteError, isLinkless } from './failures.ts';
import { createAside, syncPath } from './new-file.ts';
import { MAX_SLICE } from './record.ts';
import { beginning, type Position, scan } from './scan.ts';
import { encodeSealFile, type Seal } from './seal.ts';
import { sealState } from './seal-state.ts';
import { LogWindow } from './window.ts';

/**
 * Makes a lost or damaged audit.seal anew, from a log that verifies from k_0 on and reaches the mark; a torn last line
 * is left for the next append. Without a whole seal nobody appends, so the log stands still. The caller sees to it that
 * nobody else does this at the same time.
 * @returns the mark of the last record that verifies; undefined, and nothing is changed, if there is a whole seal or
 * the log is not such a one
 * @throws HaspError E_AUDIT_WRITE
 */
export function rebuildSeal(home: Home, root: ChainRoot, mark: AuditMark | undefined): AuditMark | undefined {
  try {
    const before = sealState(home);
    if (typeof before !== 'string') return undefined;
    const seal = endOf(home, root, mark);
    if (seal === undefined) return undefined;
    const bytes = encodeSealFile(seal);
    seal.key.fill(0);
    try {
      publish(home, bytes, before);
    } finally {
      bytes.fill(0);
    }
    return { chain: seal.chain, seq: seal.seq, mac: seal.mac };
  } catch (error) {
    throw asWriteError(error);
  }
}

function publish(home: Home, bytes: Buffer, before: 'missing' | 'damaged'): void {
  const made = createAside(home.auditSeal, bytes);
  try {
    if (before === 'missing') linkSync(made, home.auditSeal);
    else renameSync(made, home.auditSeal);
  } catch (error) {
    if (!isLinkless(error)) throw error;
    renameSync(made, home.auditSeal);
  } finally {
    rmSync(made, { force: true });
  }
  syncPath(home.root);
}

/** What the seal has to say; undefined where the log does not verify to its end, or not to the mark. */
function endOf(home: Home, root: ChainRoot, mark: AuditMark | undefined): Seal | undefined {
  const fd = openIfThere(home.auditLog, 'r');
  if (fd === undefined) return undefined;
  const first = nextKey(root.k0);
  const ratchet = new Ratchet(first, MAX_SLICE);
  first.fill(0);
  try {
    const window = new LogWindow(realDisk, fd, fstatSync(fd).size);
    const at = beginning();
    if (mark !== undefined) {
      scan(window, at, ratchet, mark.seq);
      if (mark.chain !== root.chain || at.seq !== mark.seq || at.mac !== mark.mac) return undefined;
    }
    const stop = scan(window, at, ratchet);
    if (at.seq === 0 || !(stop === 'end' || isTornTail(window, at))) return undefined;
    return { chain: root.chain, seq: at.seq, offset: at.offset, mac: at.mac, key: ratchet.key() };
  } finally {
    ratchet.wipe();
    closeSync(fd);
  }
}

/** One line, not finished. */
function isTornTail(window: LogWindow, at: Position): boolean {
  const toEnd = window.load(at.offset);
  return toEnd && !window.bytes.subarray(LINK_BYTES, window.length).includes(0x0a);
}
