export { askFor, parseAsked } from './asking.ts';
export { Broker, type BrokerParts, recordLockedDenial } from './broker.ts';
export { checkMark } from './check-mark.ts';
export type { Explained } from './decision.ts';
export { endAsked } from './end-asked.ts';
export { endRunAlone } from './end-run-alone.ts';
export type { RunOutcome } from './ended-event.ts';
export { grantDocument, treesOf } from './grant-documents.ts';
export type { GrantedRun } from './granted-run.ts';
export { liveRuns } from './live-runs.ts';
export { managedFinder } from './managed-finder.ts';
export { MANIFEST_NAME, type Project, readProject } from './project.ts';
export { type Reconciled, reconcile } from './reconcile.ts';
export type { Redaction } from './redaction.ts';
export {
  type Ending,
  endAndWait,
  onRevocation,
  type RevocationReason,
  requestedEnd,
  revokeRuns,
} from './revocation.ts';
export { mayHaveSessions, type OpenGrant, type RunState } from './run-file.ts';
export type { CallerFacts, ProjectFacts, RunRequest } from './run-request.ts';
