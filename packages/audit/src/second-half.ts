import type { AuditMark } from '@hasp/core';
import { anchorsOf, scanPast } from './anchor.ts';
import type { Border } from './border.ts';
import { Ratchet } from './chain.ts';
import { realDisk } from './disk.ts';
import { MAX_SLICE } from './record.ts';
import type { Position } from './scan.ts';
import type { Seal } from './seal.ts';
import { LogWindow } from './window.ts';

/** What the second thread is given. */
export interface SecondHalf {
  /** A descriptor belongs to the process: it is the file that the first thread reads. */
  readonly log: number;
  readonly size: number;
  readonly chain: string;
  readonly border: Border;
  /** k_1; wiped here. */
  readonly key: Uint8Array<ArrayBuffer>;
  /** Its key is wiped here. */
  readonly seal: Omit<Seal, 'key'> & { readonly key: Uint8Array<ArrayBuffer> };
  readonly mark: AuditMark | undefined;
  /** One number: KiB looked at. */
  readonly progress: SharedArrayBuffer;
}

/** Where the log ended, if everything behind the border is good; lines and fences are counted from there. */
export type SecondEnd = Position | undefined;

/** Counts up to the key at the border, and verifies from there to the end of the log. */
export function verifySecondHalf(half: SecondHalf): SecondEnd {
  const { border, size } = half;
  const ratchet = new Ratchet(half.key, MAX_SLICE);
  half.key.fill(0);
  const seal = { ...half.seal, key: Buffer.from(half.seal.key.buffer) };
  try {
    for (let seq = 1; seq <= border.seq; seq++) ratchet.advance();
    const progress = new Uint32Array(half.progress);
    const onRead = (offset: number): void => {
      Atomics.store(progress, 0, (offset - border.offset) >>> 10);
    };
    const window = new LogWindow(realDisk, half.log, size, { onRead });
    const at: Position = { ...border, line: 0, lastOffset: -1, fenced: 0 };
    const anchors = anchorsOf(seal, half.mark, half.chain);
    const stop = scanPast(anchors, window, at, ratchet);
    const isGood = stop === 'end' && at.lastOffset >= 0 && !anchors.some((anchor) => anchor.problem(at));
    return isGood ? at : undefined;
  } finally {
    ratchet.wipe();
    seal.key.fill(0);
  }
}
