import { type AuditLog, holdsMark } from '@hasp/audit';
import { type AuditMark, BROKEN_LOG_HINT, HaspError, type Home } from '@hasp/core';
import type { Vault } from '@hasp/vault';

/**
 * The vault remembers how far the log had come: a log and seal that were put back to an earlier copy
 * end before that, or went on from there to other records. @throws HaspError E_CHAIN_BROKEN
 */
export function checkMark(vault: Vault, log: AuditLog, home: Home): void {
  if (whatIsWrong(vault, log, home) === undefined) return;
  // Who begins the log anew holds the vault's lock from before the new log is there until the new mark is.
  const what = vault.transaction(() => whatIsWrong(vault, log, home));
  if (what !== undefined) throw new HaspError('E_CHAIN_BROKEN', `the log ${what}`, BROKEN_LOG_HINT);
}

function whatIsWrong(vault: Vault, log: AuditLog, home: Home): string | undefined {
  const mark = vault.mark();
  if (mark === undefined) return undefined;
  const reaches = ({ chain, seq, mac }: AuditMark) =>
    chain === mark.chain &&
    (seq === mark.seq ? mac === mark.mac : seq > mark.seq && holdsMark(home, mark, log.head().offset));
  if (reaches(log.head())) return undefined;
  // The log is the truth, and the seal may lag behind it.
  const end = log.settle();
  if (reaches(end)) return undefined;
  return end.seq < mark.seq
    ? `ends at record ${end.seq}, and the vault has seen record ${mark.seq}`
    : 'is not the one that the vault has seen';
}
