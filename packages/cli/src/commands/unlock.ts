import { formatDuration, HaspError, parseDuration } from '@hasp/core';
import { tellBroker } from '../broker-line.ts';
import { startOrJoinBroker } from '../broker-process.ts';
import { type Answer, type CommandInput, textOption } from '../command.ts';
import type { Context } from '../context.ts';
import { LockedHome } from '../stores.ts';
import { obtainWrappingKey } from '../unlock.ts';

const DEFAULT_IDLE_MS = 8 * 60 * 60 * 1_000;

/** Gives the key to a broker: the one that runs, or a new one in the background, on the socket alone. */
export async function unlock(input: CommandInput, context: Context): Promise<Answer> {
  const ttl = textOption(input, 'ttl');
  const idleMs = ttl === undefined ? DEFAULT_IDLE_MS : parseDuration(ttl);
  if (idleMs === 0) throw new HaspError('E_USAGE', 'a ttl of nothing unlocks nothing', 'for example --ttl 8h');
  await LockedHome.enter(context);
  const wrapping = await obtainWrappingKey(input, context);
  const status =
    (await tellBroker(context, { unlock: { idleMs } }, wrapping)) ??
    (await startOrJoinBroker(context, wrapping, { idleMs, endsWhenLocked: true }));
  return {
    json: status,
    notes: [`unlocked in broker ${status.pid}, until hasp lock or ${formatDuration(idleMs)} without use`],
  };
}
