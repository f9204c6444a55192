export type { Assignment, Kept } from './assignment.ts';
export { ASSIGNMENT_FORMATS, type AssignmentFile, type AssignmentFormat, readAssignments } from './assignments.ts';
export type {
  AuditEvent,
  AuditEventType,
  AuditRestartedEvent,
  GrantDeliveredEvent,
  GrantDeniedEvent,
  GrantEndedEvent,
  GrantIssuedEvent,
  LeakPlace,
  SessionEndedEvent,
  SessionStartedEvent,
} from './audit-event.ts';
export {
  type Binding,
  type Delivery,
  type DeliveryFields,
  deliveryFields,
  describeDelivery,
  type Scope,
} from './delivery.ts';
export { formatDuration, MAX_TTL_MS, parseDuration } from './duration.ts';
export { BROKEN_LOG_HINT, ERROR_CODES, type ErrorCode, HaspError } from './errors.ts';
export {
  denyGrant,
  type EndedGrant,
  endGrant,
  type Grant,
  type GrantEndReason,
  type IssuedGrant,
  issueGrant,
  type RequestedGrant,
  requestGrant,
} from './grant.ts';
export { type Home, homeAt } from './home.ts';
export {
  isVariable,
  type Manifest,
  matchTarget,
  parseManifest,
  type RedactMode,
  type Target,
  type Wishes,
} from './manifest.ts';
export { type AccessRequest, type BindingOrigin, type Decision, decide, type PolicyFacts } from './policy.ts';
export type { AuditMark, AuditSink, Clock, Random } from './ports.ts';
export type { ProcessIdentity, StragglerPolicy, Survivor, Tracking } from './process-identity.ts';
export {
  formatReference,
  formatVersionedName,
  isName,
  isReference,
  parseName,
  parseReference,
  parseVersionedName,
  type Reference,
} from './reference.ts';
export { SecretValue } from './secret-value.ts';
export {
  type JsonMember,
  type JsonNode,
  JsonProblem,
  type Position,
  parseStrictJson,
  positionOf,
} from './strict-json.ts';
