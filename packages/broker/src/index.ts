export { Broker, type BrokerParts, recordLockedDenial } from './broker.ts';
export type { Explained } from './decision.ts';
export { liveRunsWith } from './live-runs.ts';
export type { OpenRun, RunOutcome } from './open-run.ts';
export { type Reconciled, reconcile } from './reconcile.ts';
export type { CallerFacts, ProjectFacts, RunRequest } from './run-request.ts';
