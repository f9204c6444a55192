import { mayHaveSessions, type RunRequest, recordLockedDenial } from '@hasp/broker';
import { brokerOf } from './broker-of.ts';
import { asHaspError } from './output.ts';
import type { Journey, RunBroker } from './run.ts';
import { LockedHome } from './stores.ts';
import { NeedsPerson, readPassphraseUnasked } from './unlock.ts';

/** A locked vault is a denial like any other: it is recorded, where the log can be written. */
export async function openOwnBroker(journey: Journey, request: RunRequest): Promise<RunBroker> {
  const { input, context } = journey;
  if (mayHaveSessions(context.home)) {
    const inside = await (await import('./inside-run.ts')).brokerInside(context);
    if (inside !== undefined) return inside;
  }
  const home = await LockedHome.enter(context);
  try {
    return brokerOf(await home.unlock(input, readPassphraseUnasked, journey.unseen), context);
  } catch (error) {
    if (error instanceof NeedsPerson) return askForAll(home, journey, request);
    throw recorded(home, journey, request, error);
  }
}

/** Loaded here: only a run that has to ask starts a broker. */
async function askForAll(home: LockedHome, journey: Journey, request: RunRequest): Promise<RunBroker> {
  try {
    const { askOnce } = await import('./ask-once.ts');
    const answer = await askOnce(journey.input, journey.context);
    return answer instanceof Uint8Array ? brokerOf(await home.unlockWith(answer), journey.context) : answer;
  } catch (error) {
    throw recorded(home, journey, request, error);
  }
}

function recorded(home: LockedHome, { input, context }: Journey, request: RunRequest, error: unknown): Error {
  const fault = asHaspError(error);
  const locked = fault.code === 'E_VAULT_LOCKED' || fault.code === 'E_WRONG_KEY';
  if (locked && !input.dryRun) recordLockedDenial(home.log, context.random, request, fault);
  return fault;
}
