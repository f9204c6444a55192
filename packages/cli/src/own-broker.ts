import { type RunRequest, recordLockedDenial } from '@hasp/broker';
import { HaspError } from '@hasp/core';
import type { Journey, RunBroker } from './run.ts';
import { LockedHome } from './stores.ts';

/** A locked vault is a denial like any other: it is recorded, where the log can be written. */
export async function openOwnBroker({ input, context }: Journey, request: RunRequest): Promise<RunBroker> {
  const home = await LockedHome.enter(context);
  try {
    return (await home.unlock(input)).broker;
  } catch (error) {
    const locked = error instanceof HaspError && (error.code === 'E_VAULT_LOCKED' || error.code === 'E_WRONG_KEY');
    if (locked && !input.dryRun) recordLockedDenial(home.log, context.random, request, error);
    throw error;
  }
}
