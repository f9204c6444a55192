import { type GrantedRun, onRevocation, type RevocationReason, requestedEnd } from '@hasp/broker';
import type { HaspError } from '@hasp/core';
import { superviseTree, type TreeEnd, type TreeSpec } from '@hasp/process-tree';
import { isNullDevice, isTerminal } from './is-terminal.ts';
import { say } from './output.ts';
import type { Journey } from './run.ts';
import { outcomeOf, withoutDescriptor } from './supervised.ts';

/** The soft limit of most systems, where the launcher did not tell. */
const DESCRIPTORS = 1_024;

/**
 * Spawns the command with its grants and waits for the whole tree. The grants end with the tree,
 * not when a slow reader has taken the last of its output.
 */
export async function superviseRun(
  journey: Journey,
  open: GrantedRun,
  path: string,
): Promise<{ end: TreeEnd; trouble: HaspError | undefined }> {
  let trouble: ReturnType<GrantedRun['end']>;
  let revoked: RevocationReason = 'revoked';
  const abort = new AbortController();
  const { home } = journey.context;
  const revocation = onRevocation(home, open.id, (reason) => {
    revoked = reason;
    open.withdraw();
    abort.abort();
  });
  try {
    const socket = open.isAsked ? await open.serve(journey.context.inherited.softNofile ?? DESCRIPTORS) : undefined;
    const spec = specFor(journey, open, path, socket, abort.signal, (end) => {
      revocation.close();
      // The signal may have come from who asked for the end, and have been quicker.
      const reason = end.cause === 'signalled' ? requestedEnd(home, open.id) : undefined;
      trouble = open.end({ ...outcomeOf(end, revoked), ...(reason !== undefined && { reason }) });
    });
    const end = await superviseTree(spec);
    return { end: { ...end, survivors: open.masked(end.survivors) }, trouble: await trouble };
  } catch (error) {
    await open.end({ reason: 'spawn-failed', survivors: [] });
    throw error;
  } finally {
    revocation.close();
    open.wipe();
  }
}

function specFor(
  { input, context, plan, signals, tracking, environment }: Journey,
  open: GrantedRun,
  path: string,
  socket: string | undefined,
  abort: AbortSignal,
  onTreeEnd: (end: TreeEnd) => void,
): TreeSpec {
  const redactor = () => open.redactor();
  const stream = (descriptor: number) => (isRedacted(plan.redact, descriptor) ? redactor : 'inherit');
  return {
    path,
    argv: input.command,
    environment: new Map<string, string | Uint8Array>([
      ...environment,
      ...open.environment,
      ['HASP_GRANT', open.id],
      ...(socket === undefined ? [] : [['HASP_SOCKET', socket] as const]),
    ]),
    inherited: withoutDescriptor(context.inherited, input.passphraseFd),
    signals,
    tracking,
    stdin: open.stdin ?? 'inherit',
    stdout: stream(1),
    stderr: stream(2),
    stragglers: plan.stragglers,
    graceMs: plan.graceMs,
    expiresAt: open.expiresAt,
    clock: context.clock,
    abort,
    onEnding: () => open.withdraw(),
    onSpawned: (root) => open.note({ root, members: [root] }),
    onMembers: (members) => open.note({ members }),
    onTreeEnd,
    onWarning: say,
  };
}

function isRedacted(mode: 'auto' | 'always' | 'never', descriptor: number): boolean {
  return mode === 'always' || (mode === 'auto' && !isTerminal(descriptor) && !isNullDevice(descriptor));
}
