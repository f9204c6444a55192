import { LINK_BYTES } from './chain.ts';
import type { ProblemCode } from './problem.ts';
import { claimedSeq } from './record.ts';
import type { Position, Stop } from './scan.ts';
import type { LogWindow } from './window.ts';

/** Names what stands where the chain does not go on. `sealedOffset`: 0 if there is no seal. */
export function classify(
  window: LogWindow,
  at: Position,
  stop: Stop,
  known: { chain: string; sealedOffset: number },
): { code: ProblemCode; message: string } {
  if (stop === 'fence-mismatch') {
    return { code: 'fence-mismatch', message: 'the bytes of a torn write are not those that were fenced' };
  }
  window.load(at.offset);
  const { bytes } = window;
  const lineEnd = bytes.subarray(0, window.length).indexOf(0x0a, LINK_BYTES);
  if (lineEnd < 0 && at.offset + (window.length - LINK_BYTES) >= window.end) {
    return at.offset < known.sealedOffset
      ? { code: 'truncated', message: 'the log ends within a sealed record' }
      : { code: 'torn-tail', message: 'the log ends with an incomplete record, to be fenced by the next append' };
  }
  const line = bytes.toString('utf8', LINK_BYTES, lineEnd < 0 ? window.length : lineEnd);
  if (/^\{"v":(?!1,)/.test(line))
    return { code: 'unknown-version', message: 'the record has an unknown format version' };
  if (at.seq === 0 && otherChain(line, known.chain)) {
    return { code: 'wrong-chain', message: 'the log belongs to another vault' };
  }
  const seq = claimedSeq(bytes, LINK_BYTES);
  const expected = at.seq + 1;
  if (seq < 0) return { code: 'foreign-bytes', message: 'there are bytes that are no record' };
  if (seq > expected) return { code: 'missing', message: `record ${seq} stands where record ${expected} must` };
  if (seq < expected) return { code: 'out-of-order', message: `record ${seq} stands where record ${expected} must` };
  return { code: 'altered', message: 'the record does not verify' };
}

function otherChain(line: string, chain: string): boolean {
  try {
    const first: unknown = JSON.parse(line);
    return typeof first === 'object' && first !== null && 'chain' in first && first.chain !== chain;
  } catch {
    return false;
  }
}
