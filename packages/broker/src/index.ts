export { Broker, type BrokerParts, recordLockedDenial } from './broker.ts';
export type { NamedValue } from './command-record.ts';
export type { Explained } from './decision.ts';
export type { OpenRun, RunOutcome } from './open-run.ts';
export { type Reconciled, reconcile } from './reconcile.ts';
export { listRunFiles } from './run-file.ts';
export type { CallerFacts, ProjectFacts, RunRequest } from './run-request.ts';
