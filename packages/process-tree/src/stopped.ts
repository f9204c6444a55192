import { constants } from 'node:os';
import type { ProcessIdentity } from '@hasp/core';
import { sendTo } from './ending.ts';
import { readStat } from './proc.ts';

/** Stops a process where it is (SIGSTOP can't be caught): it forks no more, and may be ended at leisure. */
export function stopProcess(identity: ProcessIdentity): void {
  sendTo(identity, constants.signals.SIGSTOP);
}

/** Continues a process that a signal stopped (Ctrl-Z, SIGSTOP). One that runs gets no signal. */
export function continueStopped(identity: ProcessIdentity): void {
  if (readStat(identity.pid)?.state === 'T') sendTo(identity, constants.signals.SIGCONT);
}
