import path from 'node:path';
import type { DaemonStatus } from '@hasp/broker/daemon';
import { HaspError } from '@hasp/core';
import { startDetached } from '@hasp/process-tree';
import { tellBroker } from './broker-line.ts';
import type { Context } from './context.ts';

/** How a broker in the background is to be. */
export interface BrokerOptions {
  readonly port?: number;
  readonly insecureAddress?: string;
  readonly idleMs?: number;
  readonly endsWhenLocked: boolean;
  readonly policyFile?: string;
  readonly aimUrl?: string;
  readonly aimToken?: string;
}

/** As bin/hasp has them: a broker lives long and keeps little. */
const FLAGS = ['--max-semi-space-size=1'];
/** What it needs of our environment. */
const KEPT = /^(?:PATH|HOME|USER|LANG|LC_.*|TZ|TMPDIR)$/;

/**
 * Starts a broker that outlives this process, and waits until it serves. It gets the key by a pipe.
 * @param wrapping wiped; undefined for a broker that is locked
 * @throws HaspError what the start failed with: E_EXISTS where a broker runs
 */
export async function startBroker(
  context: Context,
  wrapping: Uint8Array | undefined,
  options: BrokerOptions,
): Promise<DaemonStatus> {
  const environment = Object.fromEntries([...context.environment].filter(([name]) => KEPT.test(name)));
  const argv = [...FLAGS, path.join(__dirname, 'daemon.cjs')];
  const daemon = startDetached(process.execPath, argv, environment, context.inherited.descriptors);
  const told = { home: context.home.root, host: context.host, uid: context.uid, ...options };
  daemon.told.write(`${JSON.stringify(told)}\n`);
  daemon.told.end(Buffer.from(wrapping ?? []));
  const answer = (await daemon.answer).toString('utf8');
  wrapping?.fill(0);
  return readAnswer(answer);
}

/** The same, unless another starts one at the same time: then that one is unlocked. */
export async function startOrJoinBroker(
  context: Context,
  wrapping: Uint8Array,
  options: BrokerOptions,
): Promise<DaemonStatus> {
  const copy = Uint8Array.from(wrapping);
  try {
    return await startBroker(context, wrapping, options);
  } catch (error) {
    if (!(error instanceof HaspError) || error.code !== 'E_EXISTS') throw error;
    const { idleMs } = options;
    const status = await tellBroker(context, { unlock: idleMs === undefined ? {} : { idleMs } }, copy);
    if (status !== undefined) return status;
    throw error;
  } finally {
    copy.fill(0);
  }
}

function readAnswer(answer: string): DaemonStatus {
  try {
    const { ok, error } = JSON.parse(answer);
    if (ok !== undefined) return ok as DaemonStatus;
    throw new HaspError(error.code, error.message, error.hint);
  } catch (error) {
    if (error instanceof HaspError) throw error;
    throw new HaspError(
      'E_BROKER_UNREACHABLE',
      'the broker ended before it was ready',
      'start it here to see why: hasp broker start',
    );
  }
}
