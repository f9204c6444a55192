import { Link, RemoteBroker } from '@hasp/broker/remote';
import { someoneWaits, takeTurn, waitForTurn } from './asking-turn.ts';
import { startOrJoinBroker } from './broker-process.ts';
import type { Context } from './context.ts';
import type { GlobalInput } from './input.ts';
import { say } from './output.ts';
import type { RunBroker } from './run.ts';
import { obtainWrappingKey } from './unlock.ts';
import { withoutBroker } from './without-broker.ts';

/** For so long after its last use a broker keeps a key that several runs waited for. */
const KEPT_MS = 10_000;
const LOOK_MS = 25;

/**
 * One prompt for all runs that wait for the same vault: the first asks. Where it is alone it gets the key, and
 * nobody keeps it; where others wait, a broker has it for a moment, and serves all of them.
 */
export async function askOnce(input: GlobalInput, context: Context): Promise<RunBroker | Uint8Array> {
  let waiting: { end(): void } | undefined;
  try {
    for (;;) {
      const answer = await tryOnce(input, context);
      if (answer !== undefined) return answer;
      if (waiting === undefined) {
        waiting = waitForTurn(context.home);
        say('waiting for the passphrase, for which another hasp asks');
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  } finally {
    waiting?.end();
  }
}

/** Undefined while another asks. */
async function tryOnce(input: GlobalInput, context: Context): Promise<RunBroker | Uint8Array | undefined> {
  const broker = await openBroker(context);
  if (broker !== undefined) return broker;
  const turn = takeTurn(context.home);
  if (turn === undefined) return undefined;
  try {
    // Another may have had its turn between the two.
    const opened = await openBroker(context);
    if (opened !== undefined) return opened;
    const wrapping = await obtainWrappingKey(input, context);
    if (!someoneWaits(context.home)) return wrapping;
    await startOrJoinBroker(context, wrapping, { idleMs: KEPT_MS, endsWhenLocked: true });
  } finally {
    turn.end();
  }
  return openBroker(context);
}

/** One that is unlocked. */
async function openBroker(context: Context): Promise<RunBroker | undefined> {
  const opened = await Link.open(context.home.brokerSocket);
  if (opened?.isUnlocked) {
    return new RemoteBroker(opened.link, withoutBroker(context), say);
  }
  opened?.link.close();
  return undefined;
}
