export type { Approval } from './approvals.ts';
export { Daemon } from './daemon.ts';
export type { DaemonParts, DaemonStatus } from './daemon-parts.ts';
export { type BrokerFacts, readFacts } from './published.ts';
