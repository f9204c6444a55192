import type { ChalkInstance } from 'chalk';
import type { Answer, CommandInput } from '../command.ts';
import type { Context } from '../context.ts';
import {
  type Check,
  homeChecks,
  keyringCheck,
  logCheck,
  nodeCheck,
  runsCheck,
  surroundingsCheck,
  trackingCheck,
  vaultCheck,
} from '../diagnosis.ts';
import { makePrivate } from '../home-guard.ts';
import { printable } from '../output.ts';
import { paletteFor } from '../palette.ts';

/** Looks at everything that a run depends on; each finding says what to do. */
export async function doctor(input: CommandInput, context: Context): Promise<Answer> {
  if (input.options.fix === true) makePrivate(context.home, context.uid);
  const home = homeChecks(context);
  const unsafe = home.some(({ state }) => state === 'problem');
  const vault = unsafe ? undefined : await vaultCheck(input, context);
  const checks = [
    nodeCheck(),
    ...home,
    ...(unsafe ? [] : await keyringCheck(context)),
    ...(vault === undefined ? [] : [vault.check, logCheck(context, vault.open), await runsCheck(context)]),
    trackingCheck(),
    surroundingsCheck(context),
  ];
  vault?.open?.close();
  const palette = paletteFor(context.environment);
  const problems = checks.filter(({ state }) => state === 'problem');
  return {
    json: { ok: problems.length === 0, checks },
    text: checks.map((check) => row(check, palette)).join('\n'),
    status: problems[0]?.status ?? 0,
  };
}

function row({ name, state, detail, hint }: Check, { green, yellow, red, dim }: ChalkInstance): string {
  const colour = { ok: green, warning: yellow, problem: red }[state];
  const advice = hint === undefined ? '' : `\n           ${dim(`→ ${printable(hint)}`)}`;
  return `${colour(state.padEnd(7))}  ${name.padEnd(9)}  ${printable(detail)}${advice}`;
}
