import {
  chmodSync,
  closeSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import {
  type DeliveryFields,
  HaspError,
  type Home,
  type ProcessIdentity,
  type Scope,
  type StragglerPolicy,
} from '@hasp/core';

/** What is known of a grant while it is open; no value. */
export interface OpenGrant extends DeliveryFields {
  readonly id: string;
  readonly secret: string;
  readonly version: number;
  readonly scope: Scope;
}

/**
 * What must be known to end a run whose wrapper was killed: who it was, what it may have been granted,
 * where delivered files lie. It is on disk before the grants are recorded, and gone when they ended.
 */
export interface RunState {
  readonly version: 1;
  /** 16 hex digits: the run's id, and the child's HASP_GRANT. */
  readonly run: string;
  readonly wrapper: ProcessIdentity;
  readonly root?: ProcessIdentity;
  readonly members: readonly ProcessIdentity[];
  readonly grants: readonly OpenGrant[];
  /** Delivered files, and the folder that holds them, and the socket where there is one. */
  readonly folder?: string;
  readonly files: readonly string[];
  readonly command: readonly string[];
  readonly stragglers: StragglerPolicy;
  /** Between TERM and KILL. */
  readonly graceMs: number;
  readonly project?: string;
  readonly target?: string;
  readonly reason?: string;
  /** On whose behalf, where it is not a person's own. */
  readonly agent?: string;
  readonly session?: string;
  /** Its value is fetched from the broker, which is the wrapper; the root, if any, was there before. */
  readonly isFetched?: true;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly expiresAt: number;
  /** Size of the audit log before the grants were recorded: their records lie behind it. */
  readonly logOffset: number;
}

export function runFile(home: Home, run: string): string {
  return path.join(home.runs, `${run}.json`);
}

/** Of an agent session: not a run's, whose names are all digits. */
export function sessionFile(home: Home, session: string): string {
  return path.join(home.runs, `${session}.session.json`);
}

/** Whether there is a session's state, or a claim of one. */
export function mayHaveSessions(home: Home): boolean {
  return listRunFiles(home).some((name) => name.includes('.session.'));
}

/** Replaces the file as a whole; with `durable` it survives a power cut. @throws HaspError E_STORAGE */
export function writeRunFile(home: Home, state: RunState, durable: boolean): void {
  replaceRunFile(home, runFile(home, state.run), state, durable);
}

/** For every state in the folder. @throws HaspError E_STORAGE */
export function replaceRunFile(
  home: Home,
  file: string,
  state: { readonly wrapper: ProcessIdentity },
  durable: boolean,
): void {
  const draft = `${file}.${state.wrapper.pid}.tmp`;
  try {
    writeWhole(home, draft, JSON.stringify(state), durable);
    renameSync(draft, file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new HaspError(
      'E_STORAGE',
      `the state of the run could not be written (${code})`,
      'free some space, or see hasp doctor',
    );
  }
}

function writeWhole(home: Home, draft: string, text: string, durable: boolean): void {
  try {
    write(draft, text, durable);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    mkdirSync(home.runs, { mode: 0o700, recursive: true });
    // The umask can take bits away from the modes given.
    chmodSync(home.runs, 0o700);
    write(draft, text, durable);
  }
}

function write(file: string, text: string, durable: boolean): void {
  const descriptor = openSync(file, 'w', 0o600);
  try {
    fchmodSync(descriptor, 0o600);
    const bytes = Buffer.from(text);
    for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done);
    if (durable) fsyncSync(descriptor);
  } catch (error) {
    discard(file);
    throw error;
  } finally {
    closeSync(descriptor);
  }
}

/** Names of all files of the folder; empty where there is none. */
export function listRunFiles(home: Home): string[] {
  try {
    return readdirSync(home.runs);
  } catch {
    return [];
  }
}

/** Undefined where the file is gone or is not a run's state. */
export function readRunFile(file: string): RunState | undefined {
  try {
    const state = JSON.parse(readFileSync(file, 'utf8')) as RunState;
    return state.version === 1 && Array.isArray(state.grants) && Array.isArray(state.members) ? state : undefined;
  } catch {
    return undefined;
  }
}

export function discard(file: string): void {
  try {
    unlinkSync(file);
  } catch {
    // Gone already.
  }
}
