import { LINK_BYTES, MAC_END } from './chain.ts';
import { claimedSeq, hasTail } from './record.ts';
import type { LogWindow } from './window.ts';

/** Where one record ends and, as the file says, the next begins. */
export interface Border {
  readonly offset: number;
  /** Of the record that ends here, as the next one claims. */
  readonly seq: number;
  /** The MAC that stands before the offset. */
  readonly mac: string;
}

const NEWLINE = 0x0a;
const HEX = /^[0-9a-f]+$/;

/** The first border at or behind `near`; undefined where the next line does not look like two records that meet. */
export function findBorder(window: LogWindow, near: number): Border | undefined {
  window.load(near);
  const { bytes } = window;
  const start = bytes.indexOf(NEWLINE, LINK_BYTES - 1) + 1;
  if (start === 0 || start >= window.length) return undefined;
  const mac = bytes.toString('latin1', start - LINK_BYTES, start - MAC_END.length);
  if (!HEX.test(mac) || bytes.toString('latin1', start - MAC_END.length, start) !== MAC_END) return undefined;
  const end = window.lineEnd(start);
  const seq = claimedSeq(bytes, start) - 1;
  return end < 0 || seq < 1 || !hasTail(bytes, start, end)
    ? undefined
    : { offset: near + start - LINK_BYTES, seq, mac };
}
