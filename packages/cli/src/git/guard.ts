import { HaspError } from '@hasp/core';
import type { Finder } from '@hasp/match';
import type { Answer } from '../command.ts';
import type { Context } from '../context.ts';
import { openFinder } from '../finder.ts';
import type { GlobalInput } from '../input.ts';
import { print, say } from '../output.ts';
import { LockedHome } from '../stores.ts';
import { CANARY_NAME, CANARY_VARIABLE } from './fire.ts';
import type { HookScan } from './hook-scan.ts';
import type { Leak } from './leak.ts';
import { type LeakRecord, leakRecorder } from './leak-record.ts';
import { GitFailure } from './process.ts';
import type { ObjectScan } from './scan-objects.ts';
import { describeLeak, remedy } from './tell.ts';

export type HookName = 'pre-commit' | 'commit-msg' | 'pre-push';

/**
 * What each of the three hooks does: look at what git is about to keep or send, and end with a status that
 * stops it where a value is found, or where anything at all went wrong.
 * @throws HaspError E_LEAK_FOUND, and whatever kept it from looking
 */
export async function guard(hook: HookName, scan: HookScan, input: GlobalInput, context: Context): Promise<Answer> {
  const home = await LockedHome.enter(context);
  const recorder = leakRecorder(home, hook, context);
  // A value that only `hasp hook status` knows; it adds to what is looked for.
  const canary = context.environment.get(CANARY_VARIABLE) ?? '';
  let finder: Finder | undefined;
  try {
    finder = await readFinder(home, input, context, canary);
    const { leaks, skipped } = finder.isEmpty ? NOTHING : await scan.scan(finder);
    for (const { path, what } of skipped.slice(0, SHOWN)) {
      const name = [path?.toString('utf8'), what.inside].filter((part) => part !== undefined).join('!/');
      say(`not looked into: ${finder.mask(name)} ${what.why}`);
    }
    if (skipped.length > SHOWN) say(`and ${skipped.length - SHOWN} more, not looked into`);
    if (leaks.length > 0) return await settle(hook, leaks, finder, { recorder, context, json: input.json });
    if (skipped.length > 0) say(PASSES);
    return { json: { hook, allowed: true, findings: leaks } };
  } catch (error) {
    if (canary !== '') say(`${CANARY_NAME}: this hook asks hasp`);
    if (!(error instanceof HaspError) || error.code === 'E_LEAK_FOUND' || error.code === 'E_AUDIT_WRITE') throw error;
    return await unchecked(hook, error, finder, { recorder, context, json: input.json });
  } finally {
    scan.stop();
    if (finder !== undefined) finder.wipe();
  }
}

const NOTHING: Pick<ObjectScan, 'leaks' | 'skipped'> = { leaks: [], skipped: [] };

interface Surroundings {
  readonly recorder: LeakRecord;
  readonly context: Context;
  readonly json: boolean;
}

async function readFinder(home: LockedHome, input: GlobalInput, context: Context, canary: string): Promise<Finder> {
  try {
    const more = canary === '' ? undefined : { name: CANARY_NAME, bytes: Buffer.from(canary) };
    return await openFinder(home, input, context, more);
  } catch (error) {
    if (!(error instanceof HaspError)) throw error;
    if (error.code === 'E_VAULT_MISSING') {
      throw new HaspError(
        error.code,
        `${error.message}, so nothing was checked`,
        'make one: hasp init, or take the hooks away: hasp hook uninstall',
      );
    }
    if (error.code === 'E_VAULT_LOCKED') {
      throw new HaspError(error.code, `${error.message}, so nothing was checked`, HOW_TO_UNLOCK);
    }
    throw error;
  }
}

const HOW_TO_UNLOCK =
  'hasp unlock; or start git on a terminal, where the passphrase can be asked; or export HASP_KEY_FILE=PATH for a vault with a key file';

/** Lets it through where a person gave a reason. */
async function settle(
  hook: HookName,
  leaks: readonly Leak[],
  finder: Finder,
  { recorder, context, json }: Surroundings,
): Promise<Answer> {
  if (leaks.every(({ secret }) => secret === CANARY_NAME)) throw new HaspError('E_LEAK_FOUND', 'a canary was stopped');
  for (const leak of json ? [] : leaks.slice(0, SHOWN)) say(describeLeak(leak));
  if (leaks.length > SHOWN && !json) say(`and ${leaks.length - SHOWN} places more`);
  const reason = await allowance(context);
  if (reason !== undefined) {
    await recorder.allowed(leaks, finder.mask(reason), finder);
    say(`let through, and recorded, because HASP_ALLOW_LEAK says: ${finder.mask(reason)}`);
    return { json: { hook, allowed: true, findings: leaks } };
  }
  await recorder.blocked(leaks, finder);
  if (json) print(`${JSON.stringify({ hook, allowed: false, findings: leaks })}\n`);
  const many = new Set(leaks.map(({ secret }) => secret)).size;
  const what = many === 1 ? 'a managed value' : `${many} managed values`;
  throw new HaspError('E_LEAK_FOUND', `${WOULD[hook]} ${what}, so it was stopped`, remedy(hook, leaks));
}

const SHOWN = 20;
const PASSES = 'let through all the same: unpack it, and look: hasp scan FOLDER';
const WOULD = {
  'pre-commit': 'this commit would contain',
  'commit-msg': 'this message contains',
  'pre-push': 'this push would send',
};

/** Something kept hasp from looking: that blocks too. */
async function unchecked(
  hook: HookName,
  error: HaspError,
  finder: Finder | undefined,
  { recorder, context }: Surroundings,
): Promise<Answer> {
  if (error instanceof GitFailure && error.said !== '' && finder !== undefined) {
    say(`git says: ${finder.mask(error.said).split('\n')[0]}`);
  }
  const reason = PASSABLE.includes(error.code) ? await allowance(context) : undefined;
  if (reason !== undefined && finder !== undefined) {
    await recorder.allowed([], finder.mask(reason), finder, error.code);
    say(`${error.message}; let through, and recorded, because HASP_ALLOW_LEAK says: ${finder.mask(reason)}`);
    return { json: { hook, allowed: true, findings: [] } };
  }
  // There is no log to write to without a vault, and none in a home that is not safe.
  const isRecorded = error.code !== 'E_VAULT_MISSING' && !context.environment.has(CANARY_VARIABLE);
  if (isRecorded) await recorder.blocked([], finder, error.code);
  throw error;
}

/** What a person can know better than hasp. A locked vault is not among it. */
const PASSABLE = ['E_STORAGE'];

/** @throws HaspError where it is set and counts for nothing */
async function allowance(context: Context): Promise<string | undefined> {
  const reason = context.environment.get('HASP_ALLOW_LEAK');
  if (reason === undefined) return undefined;
  const { insideSession } = await import('../inside-run.ts');
  if ((await insideSession(context, true)) !== undefined) {
    const message = 'HASP_ALLOW_LEAK is refused inside an agent session';
    throw new HaspError('E_AGENT_SESSION', message, 'ask a person to look at it');
  }
  if (reason.trim() === '') {
    throw new HaspError(
      'E_LEAK_FOUND',
      'HASP_ALLOW_LEAK is empty: it must say why',
      "HASP_ALLOW_LEAK='the reason, which is recorded'",
    );
  }
  return reason;
}
