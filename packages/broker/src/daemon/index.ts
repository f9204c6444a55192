export type { Approval } from './approvals.ts';
export { Daemon, type DaemonParts, type DaemonStatus } from './daemon.ts';
export { type BrokerFacts, readFacts } from './published.ts';
