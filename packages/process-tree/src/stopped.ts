import { constants } from 'node:os';
import type { ProcessIdentity } from '@hasp/core';
import { sendTo } from './ending.ts';
import { readStat } from './proc.ts';

/** Continues a process that a signal stopped (Ctrl-Z, SIGSTOP). One that runs gets no signal. */
export function continueStopped(identity: ProcessIdentity): void {
  if (readStat(identity.pid)?.state === 'T') sendTo(identity, constants.signals.SIGCONT);
}
