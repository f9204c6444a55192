/**
 * The one catalogue of failures: a stable code, the exit status it maps to, nothing else.
 * Adding an error is one line here and one in docs/errors.md.
 */
const EXIT_STATUS = {
  E_INTERNAL: 1,
  E_USAGE: 2,
  E_NO_PROJECT: 2,
  E_MANIFEST_INVALID: 2,
  E_POLICY_INVALID: 2,
  E_REFERENCE_INVALID: 2,
  E_NAME_INVALID: 2,
  E_NOTHING_GRANTED: 2,
  E_ENV_CONFLICT: 2,
  E_EXISTS: 2,
  E_VAULT_LOCKED: 3,
  E_WRONG_KEY: 3,
  E_DENIED: 3,
  E_UNTRUSTED_PROJECT: 3,
  E_NOT_IN_TREE: 3,
  E_PEER_UNKNOWN: 3,
  E_HOME_UNSAFE: 3,
  E_AGENT_SESSION: 3,
  E_VAULT_MISSING: 4,
  E_SECRET_MISSING: 4,
  E_SESSION_MISSING: 4,
  E_GRANT_MISSING: 4,
  E_AGENT_MISSING: 4,
  E_BROKER_UNREACHABLE: 5,
  E_STORAGE: 5,
  E_AUDIT_WRITE: 5,
  E_SPAWN: 5,
  E_LEAK_FOUND: 6,
  E_CHAIN_BROKEN: 6,
  E_VAULT_CORRUPT: 6,
} as const;

export type ErrorCode = keyof typeof EXIT_STATUS;

export const ERROR_CODES = Object.keys(EXIT_STATUS) as readonly ErrorCode[];

/**
 * A failure that a person or a script is told about. `message` is one lower-case line without a
 * period and without any value; `hint` says what to do next.
 */
export class HaspError extends Error {
  override readonly name = 'HaspError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, hint?: string) {
    super(message);
    this.code = code;
    this.hint = hint;
  }

  /** The process exit status of this code (2 to 6; 1 for E_INTERNAL). */
  get exitStatus(): number {
    return EXIT_STATUS[this.code];
  }
}

/** What to do about a log that is not what hasp wrote. */
export const BROKEN_LOG_HINT = 'hasp audit verify says what is wrong, hasp audit recover goes on from there';
