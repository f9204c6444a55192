import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { AuditMark, Home } from '@hasp/core';
import { anchorsOf, firstRecord, scanPast } from './anchor.ts';
import { findBorder } from './border.ts';
import { nextKey, Ratchet } from './chain.ts';
import type { ChainRoot } from './create.ts';
import { realDisk } from './disk.ts';
import { asReadError } from './failures.ts';
import { MAX_SLICE } from './record.ts';
import { beginning } from './scan.ts';
import type { SecondEnd, SecondHalf } from './second-half.ts';
import { releaseSnapshot, type Snapshot, takeSnapshot } from './snapshot.ts';
import { headAt, type Progress, type VerifyReport, verifySnapshot } from './verify.ts';
import { LogWindow } from './window.ts';

export interface SecondThread {
  /** second-half-thread.ts, built. */
  readonly program: string;
  /** The smallest log for which it is started. */
  readonly worthBytes?: number;
}

/** Below, a thread takes longer to start than it saves. */
const WORTH_BYTES = 16 << 20;
/** The second half begins later than the middle: before it can verify, its thread counts up to the key at the border. */
export const FIRST_SHARE = 0.56;

/**
 * As verifyLog, with the same report, in half the time where there are two processors: one thread verifies up to a
 * border between two records, another from there on. Only "all good" is ever found out this way: whatever else
 * the two see, one thread goes over the whole log again and says what it is.
 */
export async function verifyLogInTwo(
  home: Home,
  root: ChainRoot,
  mark: AuditMark | undefined,
  second: SecondThread,
  onProgress?: Progress,
): Promise<VerifyReport> {
  try {
    const snapshot = takeSnapshot(home);
    try {
      const isWorth = snapshot.size >= (second.worthBytes ?? WORTH_BYTES) && availableParallelism() > 1;
      const report = isWorth ? await verifyHalves(snapshot, root, mark, second.program, onProgress) : undefined;
      return report ?? verifySnapshot(snapshot, root, mark, onProgress);
    } finally {
      releaseSnapshot(snapshot);
    }
  } catch (error) {
    throw asReadError(error);
  }
}

/** Undefined unless every byte is good. */
async function verifyHalves(
  { log, size, seal }: Snapshot,
  root: ChainRoot,
  mark: AuditMark | undefined,
  program: string,
  onProgress: Progress | undefined,
): Promise<VerifyReport | undefined> {
  if (log === undefined || typeof seal === 'string') return undefined;
  const behind = new Uint32Array(new SharedArrayBuffer(4));
  const onRead = (offset: number): void => onProgress?.(offset + Atomics.load(behind, 0) * 1024, size);
  const window = new LogWindow(realDisk, log, size, { onRead });
  const border = findBorder(window, Math.floor(size * FIRST_SHARE));
  if (border === undefined) return undefined;
  const key = nextKey(root.k0);
  const ratchet = new Ratchet(key, MAX_SLICE);
  const second = startSecond(program, {
    ...{ log, size, chain: root.chain, border, mark, progress: behind.buffer },
    key: Uint8Array.from(key),
    seal: { ...seal, key: Uint8Array.from(seal.key) },
  });
  key.fill(0);
  try {
    const at = beginning();
    const anchors = [firstRecord(window, root.chain), ...anchorsOf(seal, mark, root.chain)];
    const stop = scanPast(anchors, window, at, ratchet, border.seq);
    if (stop !== 'reached' || at.offset !== border.offset || at.mac !== border.mac) return undefined;
    const end = await second.end;
    // What lies behind the border, the second thread has held against seal and mark.
    if (end === undefined || anchors.some((anchor) => anchor.problem(end) !== undefined)) return undefined;
    onProgress?.(size, size);
    return { ok: true, records: end.seq, head: headAt(window, end), fenced: at.fenced + end.fenced };
  } finally {
    ratchet.wipe();
    await second.worker.terminate();
  }
}

/** The keys go over to it: here they are gone. */
function startSecond(program: string, half: SecondHalf): { worker: Worker; end: Promise<SecondEnd> } {
  const transferList = [half.key.buffer, half.seal.key.buffer];
  const worker = new Worker(program, {
    ...{ workerData: half, transferList, env: {}, argv: [], execArgv: [] },
    // Its strings live no longer than a record: with V8's own bounds, 16 to 32 MB of dead ones would be kept.
    resourceLimits: { maxYoungGenerationSizeMb: 2 },
  });
  const end = new Promise<SecondEnd>((resolve) => {
    worker.once('message', resolve);
    // Whatever it failed of, one thread will meet it again.
    for (const event of ['error', 'exit']) worker.once(event, () => resolve(undefined));
  });
  return { worker, end };
}
