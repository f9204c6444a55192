import { HaspError, type ProcessIdentity } from '@hasp/core';

/** What was asked to end, and has not. */
interface Stuck {
  readonly wrapper: ProcessIdentity;
  /** Held by the broker itself, for whoever asks its API. */
  readonly isFetched?: true | undefined;
}

/**
 * @param stuck of `total`
 * @throws HaspError E_INTERNAL where a wrapper does not answer, E_AUDIT_WRITE where the broker can't record
 */
export function checkEnded(stuck: readonly Stuck[], total: number, what: string): void {
  if (stuck.length === 0) return;
  if (stuck.every(({ isFetched }) => isFetched === true)) throw unrecorded(stuck.length);
  const pids = stuck.map(({ wrapper }) => wrapper.pid).join(', ');
  throw new HaspError(
    'E_INTERNAL',
    `${stuck.length} of ${total} ${what} did not end (wrapper ${pids})`,
    `end them by hand: kill -9 ${pids}, then hasp grants`,
  );
}

/** The broker gives nothing by them while it can't record. */
function unrecorded(count: number): HaspError {
  return new HaspError(
    'E_AUDIT_WRITE',
    `the end of ${count === 1 ? 'a grant' : `${count} grants`} of the API could not be recorded; no value goes out meanwhile`,
    'make the log writable again, then once more: hasp revoke --all; or hasp agent revoke NAME',
  );
}
