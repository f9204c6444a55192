import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Home, ProcessIdentity } from '@hasp/core';
import { listRunFiles, replaceRunFile, sessionFile } from '../run-file.ts';

/** What must be known of an agent session by every hasp, while it lives and when its wrapper was killed. */
export interface SessionState {
  readonly version: 1;
  /** 16 hex digits: the HASP_SESSION of its processes. */
  readonly session: string;
  readonly agent: string;
  /** The session that this one was begun in: of the same agent. */
  readonly parent?: string;
  readonly wrapper: ProcessIdentity;
  readonly root?: ProcessIdentity;
  readonly members: readonly ProcessIdentity[];
  /** argv as it may be written down. */
  readonly command: readonly string[];
  readonly cwd: string;
  /** Between TERM and KILL. */
  readonly graceMs: number;
  /** The vault opens with a key file that the agent can read, or with a key that it can ask the keyring for. */
  readonly keyExposed: boolean;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly expiresAt?: number;
  /** Size of the audit log before the start was recorded. */
  readonly logOffset: number;
}

const STATE = /^[0-9a-f]{16}\.session\.json$/;

/** @throws HaspError E_STORAGE */
export function writeSession(home: Home, state: SessionState, durable: boolean): void {
  replaceRunFile(home, sessionFile(home, state.session), state, durable);
}

/** Undefined where the file is gone, or is no session's state. */
export function readSession(file: string): SessionState | undefined {
  try {
    const state = JSON.parse(readFileSync(file, 'utf8')) as SessionState;
    const isOne = state.version === 1 && typeof state.session === 'string' && typeof state.agent === 'string';
    return isOne && Array.isArray(state.members) ? state : undefined;
  } catch {
    return undefined;
  }
}

/** All there are, with those whose wrapper is lost, and with those that somebody just ends; oldest first. */
export function listSessions(home: Home): SessionState[] {
  return listRunFiles(home)
    .filter((name) => STATE.test(name) || name.includes('.session.claim.'))
    .map((name) => readSession(path.join(home.runs, name)))
    .filter((state) => state !== undefined)
    .sort((a, b) => a.startedAt - b.startedAt);
}
