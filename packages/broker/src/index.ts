export { askFor, parseAsked } from './asking.ts';
export { Broker, type BrokerParts, recordLockedDenial } from './broker.ts';
export type { Explained } from './decision.ts';
export { liveRuns } from './live-runs.ts';
export type { OpenRun, RunOutcome } from './open-run.ts';
export { type Reconciled, reconcile } from './reconcile.ts';
export { onRevocation, type RevocationReason, revokeRuns } from './revocation.ts';
export type { OpenGrant, RunState } from './run-file.ts';
export type { CallerFacts, ProjectFacts, RunRequest } from './run-request.ts';
