import type { DeliveryFields, Scope } from './delivery.ts';
import type { GrantEndReason } from './grant.ts';
import type { ProcessIdentity, StragglerPolicy, Survivor, Tracking } from './process-identity.ts';

/**
 * What can be written in the audit log. Closed, and no member has a field for a value: secrets are
 * named, versions counted. seq, time and mac are added by the log.
 */
export type AuditEvent =
  | { readonly type: 'vault.created'; readonly chain: string; readonly vault: string; readonly keySource: string }
  | VaultRestoredEvent
  | { readonly type: 'vault.rekeyed'; readonly keySource: string; readonly from: string }
  | BackedUpEvent
  | { readonly type: 'vault.unlocked'; readonly keySource: string }
  | { readonly type: 'vault.locked'; readonly why: string }
  | { readonly type: 'broker.started'; readonly pid: number; readonly port?: number }
  | { readonly type: 'broker.stopped'; readonly pid: number }
  | SecretSetEvent
  | { readonly type: 'secret.baseline'; readonly secret: string; readonly scopes: readonly string[] }
  | { readonly type: 'secret.removed'; readonly secret: string; readonly version?: number }
  | { readonly type: 'secret.renamed'; readonly secret: string; readonly to: string }
  | SecretRotatedEvent
  | SecretMarkedEvent
  | SecretImportedEvent
  | { readonly type: 'secret.revealed'; readonly secret: string; readonly version: number }
  | ProjectEvent<'project.trusted'>
  | ProjectEvent<'project.untrusted'>
  | AgentEvent<'agent.added'>
  | AgentEvent<'agent.rotated'>
  | AgentEvent<'agent.revoked'>
  | { readonly type: 'policy.loaded'; readonly file: string; readonly sha256?: string; readonly rules: number }
  | { readonly type: 'policy.rejected'; readonly file: string; readonly failure: string; readonly why: string }
  | { readonly type: 'aim.auth_error'; readonly url: string; readonly status: number }
  | SessionStartedEvent
  | SessionEndedEvent
  | GrantIssuedEvent
  | GrantDeniedEvent
  | GrantDeliveredEvent
  | GrantEndedEvent
  | LeakEvent<'leak.blocked'>
  | LeakEvent<'leak.allowed'>
  | AuthFailedEvent
  | { readonly type: 'audit.recovered'; readonly offset: number; readonly bytes: number; readonly sha256: string }
  | { readonly type: 'audit.resealed'; readonly why: string; readonly last: number }
  | AuditRestartedEvent;

/** The first record of a chain that follows a broken one. */
export interface AuditRestartedEvent {
  readonly type: 'audit.restarted';
  readonly chain: string;
  /** The last record up to which the broken one verified; seq 0 where none did. */
  readonly previous: { readonly chain: string; readonly seq: number; readonly mac: string };
  /** What was wrong with it: a code of docs/formats/audit.md. */
  readonly problem: string;
  /** Where its bytes are kept; missing where there were none. */
  readonly archive?: { readonly file: string; readonly bytes: number; readonly sha256: string };
}

/** The first record of a new chain. */
interface VaultRestoredEvent {
  readonly type: 'vault.restored';
  readonly chain: string;
  readonly vault: string;
  readonly keySource: string;
  /** SHA-256 of the backup, hex: as in the `vault.backed-up` of the chain before. */
  readonly backup: string;
  /** The end of the chain before, when the backup was made. */
  readonly previous?: { readonly chain: string; readonly seq: number; readonly mac: string };
}

interface BackedUpEvent {
  readonly type: 'vault.backed-up';
  /** Its name without its folder; not said where a value of the vault is in it. */
  readonly file?: string;
  readonly sha256: string;
  readonly bytes: number;
  /** What opens the backup. */
  readonly keySource: string;
}

interface SecretSetEvent extends ScopeFacts {
  readonly type: 'secret.set';
  readonly secret: string;
  readonly version: number;
  readonly placeholder?: true;
}

interface ScopeFacts {
  /** What the secret can do, where a person said so with the value. */
  readonly scopes?: readonly string[];
}

interface SecretRotatedEvent extends ScopeFacts {
  readonly type: 'secret.rotated';
  readonly secret: string;
  readonly version: number;
  readonly forgot: boolean;
  readonly placeholder?: true;
}

/** A person has said whether a value is a secret at all. */
interface SecretMarkedEvent {
  readonly type: 'secret.marked';
  readonly secret: string;
  readonly version: number;
  readonly placeholder: boolean;
}

/** One of many that were stored together. */
export interface SecretImportedEvent {
  readonly type: 'secret.imported';
  readonly secret: string;
  readonly version: number;
  /** The same for all of one import: 16 hex digits. */
  readonly import: string;
}

interface ProjectEvent<T extends string> {
  readonly type: T;
  readonly root: string;
  /** SHA-256 of hasp.json, hex. */
  readonly manifest: string;
  readonly secrets: readonly string[];
}

interface AgentEvent<T extends string> {
  readonly type: T;
  readonly agent: string;
  /** Of the token: the new one's, or the one that is refused from now on. */
  readonly tokenId: string;
  /** RFC 3339. */
  readonly expiresAt?: string;
}

export interface SessionStartedEvent {
  readonly type: 'session.started';
  readonly session: string;
  readonly agent: string;
  /** The session that it was begun in. */
  readonly parent?: string;
  /** argv with managed values masked. */
  readonly command: readonly string[];
  readonly cwd: string;
  /** RFC 3339. */
  readonly expiresAt?: string;
  /** The vault opens with a key file that the agent can read: it is kept from nothing. */
  readonly keyExposed: boolean;
  /** Variables that were taken out of its environment, since their value was one of the vault's. */
  readonly withheld: readonly string[];
  readonly wrapper: ProcessIdentity;
  readonly uid: number;
  readonly host: string;
}

export interface SessionEndedEvent {
  readonly type: 'session.ended';
  readonly session: string;
  readonly agent: string;
  readonly root?: { readonly pid: number; readonly startTime: string };
  readonly endReason: GrantEndReason;
  readonly exitCode?: number;
  readonly signal?: string;
  readonly durationMs: number;
  readonly survivors: readonly Survivor[];
}

/** On whose behalf, where it is not a person's own. */
interface AgentFacts {
  readonly agent?: string;
  readonly session?: string;
}

interface UseFacts {
  /** The record is one use of its `rule`, counted for this token or session: by these, limits outlast a restart. */
  readonly limitKey?: string;
}

/** A key or a token that opens nothing. Tokens that come in a flood are recorded together. */
interface AuthFailedEvent {
  readonly type: 'auth.failed';
  readonly keySource: string;
  /** How many since the last record of the kind; one where it is absent. */
  readonly count?: number;
}

/** Of what is asked of the broker's API. */
interface ApiFacts {
  /** Who asked, from the kernel; `command` is the process's own name, at most 64 characters. */
  readonly peer?: { readonly pid: number; readonly startTime: string; readonly command: string };
  /** From the question to the decision. */
  readonly latencyMs?: number;
}

/** What `hasp run` knows of itself when it asks; the same in issued and denied. */
interface RunFacts extends DeliveryFields, AgentFacts, ApiFacts {
  /** Shared by all grants of one run: 16 hex digits, the child's HASP_GRANT. */
  readonly run: string;
  readonly grant: string;
  readonly secret: string;
  readonly project?: string;
  readonly target?: string;
  readonly reason?: string;
  /** argv with the values of this run masked. Over the API no command is started, and this is empty. */
  readonly command: readonly string[];
  /** Unknown over the API. */
  readonly cwd?: string;
  readonly uid: number;
  readonly host: string;
}

export interface GrantIssuedEvent extends RunFacts, UseFacts {
  readonly type: 'grant.issued';
  readonly version: number;
  /** `root` only where it is enforced: for what is fetched. Everything else goes to the whole tree. */
  readonly scope: Scope;
  readonly rule: string;
  /** RFC 3339. */
  readonly expiresAt: string;
  readonly stragglers: StragglerPolicy;
  readonly wrapper: ProcessIdentity;
  readonly tracking: Tracking;
}

export interface GrantDeniedEvent extends RunFacts {
  readonly type: 'grant.denied';
  readonly rule: string;
  readonly why: string;
}

/** One fetch of a value that was granted by `ask`; on disk before the value is handed out. */
export interface GrantDeliveredEvent extends AgentFacts, UseFacts, ApiFacts {
  readonly type: 'grant.delivered';
  readonly run: string;
  readonly grant: string;
  readonly secret: string;
  readonly version: number;
  readonly rule?: string;
  readonly reason?: string;
}

export interface GrantEndedEvent {
  readonly type: 'grant.ended';
  readonly run: string;
  readonly grant: string;
  readonly secret: string;
  readonly root?: { readonly pid: number; readonly startTime: string };
  /** No survivor, and every delivered file is gone. */
  readonly clean: boolean;
  readonly endReason: GrantEndReason;
  readonly exitCode?: number;
  readonly signal?: string;
  readonly durationMs: number;
  readonly survivors: readonly Survivor[];
}

/** What a hook kept out of git, or let through because a person said so. */
export interface LeakEvent<T extends string> {
  readonly type: T;
  readonly hook: string;
  readonly repository: string;
  /** Names, without versions; none where nothing could be checked. */
  readonly secrets: readonly string[];
  /** The first of them. */
  readonly places: readonly LeakPlace[];
  readonly count: number;
  /** Why nothing could be checked: an error code. */
  readonly failure?: string;
  /** Why it was let through. */
  readonly reason?: string;
}

export interface LeakPlace {
  /** NAME, or NAME@N for an earlier version. */
  readonly secret: string;
  readonly spelling: string;
  readonly where: string;
  /** Values in it are masked. */
  readonly path?: string;
  readonly line?: number;
  readonly commit?: string;
  readonly blob?: string;
  readonly tag?: string;
}

export type AuditEventType = AuditEvent['type'];
