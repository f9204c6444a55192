import path from 'node:path';
import { HASP, type LogRecord, type Running, type Sandbox, type StartOptions } from './sandbox.ts';

/** A session as `hasp session list --json` shows it. */
export interface Session {
  readonly id: string;
  readonly agent: string;
  readonly state: string;
  readonly keyExposed: boolean;
  readonly grants: readonly string[];
  readonly wrapper: { readonly pid: number };
  readonly root?: { readonly pid: number };
}

/** A shell script in which `hasp` is the built command. */
function inShell(script: string): string[] {
  return ['sh', '-c', `hasp() { "${HASP}" "$@"; }; ${script}`];
}

export const startArgv = (agent: string, script: string, ...options: string[]): string[] => [
  'session',
  'start',
  '--agent',
  agent,
  ...options,
  '--',
  ...inShell(script),
];

/** Runs a script inside a session. @returns what it wrote, with both streams as text */
export async function inSession(box: Sandbox, agent: string, script: string, how: StartOptions = {}) {
  const { status, signal, stdout, stderr } = await box.run(startArgv(agent, script), how);
  return { status, signal, stdout: stdout.toString(), stderr: stderr.toString() };
}

/** A session whose script has said `live`. */
export async function liveSession(box: Sandbox, agent: string, script = 'echo live; exec sleep 600'): Promise<Running> {
  const running = box.start(startArgv(agent, script));
  await running.printed('live');
  return running;
}

export async function sessions(box: Sandbox): Promise<readonly Session[]> {
  return (await box.json<{ sessions: Session[] }>(['session', 'list'])).sessions;
}

export async function endReasons(box: Sandbox, type: 'grant.ended' | 'session.ended'): Promise<string[]> {
  return (await box.log('--type', type)).map((record: LogRecord) => String(record['endReason']));
}

export const place = (box: Sandbox, name: string): string => path.join(box.home, name);
