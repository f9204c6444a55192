// `SUPERVISE={...} supervise COMMAND...`: the smallest wrapper around superviseTree, for tests.
import { appendFileSync, writeSync } from 'node:fs';
import {
  type ByteTransform,
  closeInspector,
  exitLike,
  hardenSelf,
  holdSignals,
  readInherited,
  resolveCommand,
  SpawnFailure,
  superviseTree,
} from '@hasp/process-tree';
import { psTable } from '../../packages/process-tree/src/platform/ps-table.ts';

process.on('SIGUSR1', () => {});

export interface SuperviseOptions {
  /** Which streams go through a pipe; "hold" keeps the last byte back until a silence or the end. */
  readonly redact?: 'both' | 'stdout' | 'hold';
  readonly stdin?: string;
  readonly stragglers?: 'kill' | 'wait' | 'leave';
  readonly graceMs?: number;
  readonly ttlMs?: number;
  readonly revokeAfterMs?: number;
  readonly tracking?: 'best-effort';
  /** As on a platform without /proc; `mute`: and whose process table gives no answer. */
  readonly table?: 'ps' | 'mute';
  /** Gets one JSON line for each callback and one for the end. */
  readonly log?: string;
  /** Wait for this many ms between holding signals and the spawn. */
  readonly delayMs?: number;
  readonly grant?: string;
  /** What is told at the spawn can't be noted. */
  readonly failNotes?: boolean;
}

/** Knows a process, and at no look who there is. */
const MUTE: typeof psTable = { ...psTable, watch: () => () => Promise.reject(new Error('no answer')) };

function transform(hold: boolean): ByteTransform {
  let held = Buffer.alloc(0);
  const release = (): Uint8Array => {
    const released = held;
    held = Buffer.alloc(0);
    return released;
  };
  if (!hold) return { push: (chunk) => chunk, end: () => held };
  return {
    push: (chunk) => {
      const all = Buffer.concat([held, chunk]);
      held = Buffer.from(all.subarray(all.length - 1));
      return all.subarray(0, all.length - 1);
    },
    idle: release,
    end: release,
  };
}

async function main(): Promise<void> {
  const options: SuperviseOptions = JSON.parse(process.env['SUPERVISE'] ?? '{}');
  const argv = process.argv.slice(2);
  const log = (entry: object): void => {
    if (options.log) appendFileSync(options.log, `${JSON.stringify(entry)}\n`);
  };
  const inherited = readInherited(process.env);
  const signals = holdSignals(inherited);
  const { tracking } = hardenSelf();
  await closeInspector();
  log({ ready: process.pid, tracking, neutralised: inherited.neutralised, invalidUtf8: inherited.invalidUtf8 });
  if (options.delayMs) await new Promise((resolve) => setTimeout(resolve, options.delayMs));
  const environment = new Map<string, string | Uint8Array>(inherited.environment);
  environment.delete('SUPERVISE');
  if (options.grant) environment.set('HASP_GRANT', Buffer.from(options.grant));
  const found = resolveCommand(argv[0] ?? '', inherited.environment.get('PATH'), process.cwd());
  if ('problem' in found) {
    writeSync(2, `${found.problem}\n`);
    process.exit(found.problem === 'not-found' ? 127 : 126);
  }
  const stream = (): ByteTransform => transform(options.redact === 'hold');
  const abort = new AbortController();
  if (options.revokeAfterMs !== undefined) setTimeout(() => abort.abort(), options.revokeAfterMs);
  try {
    const end = await superviseTree({
      path: found.path,
      argv,
      environment,
      inherited,
      signals,
      tracking: options.tracking ?? tracking,
      ...(options.table ? { table: options.table === 'ps' ? psTable : MUTE } : {}),
      stdin: options.stdin === undefined ? 'inherit' : Buffer.from(options.stdin),
      stdout: options.redact ? stream : 'inherit',
      stderr: options.redact === 'both' ? stream : 'inherit',
      stragglers: options.stragglers ?? 'kill',
      graceMs: options.graceMs ?? 2_000,
      expiresAt: Date.now() + (options.ttlMs ?? 60_000),
      clock: Date.now,
      abort: abort.signal,
      onSpawned: (root) => {
        log({ spawned: root });
        if (options.failNotes) throw new Error('not noted');
      },
      onMembers: (members) => log({ members }),
      onWarning: (line) => writeSync(2, `${line}\n`),
    });
    log({ end });
    exitLike(end.exit);
  } catch (error) {
    signals.release();
    writeSync(2, `${(error as Error).message}\n`);
    process.exit(error instanceof SpawnFailure ? error.runStatus : 1);
  }
}

void main();
