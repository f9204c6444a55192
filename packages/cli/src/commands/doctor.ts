import type { Answer, CommandInput } from '../command.ts';
import type { Context } from '../context.ts';
import {
  type Check,
  homeChecks,
  logCheck,
  nodeCheck,
  runsCheck,
  surroundingsCheck,
  trackingCheck,
  vaultCheck,
} from '../diagnosis.ts';
import { makePrivate } from '../home-guard.ts';
import { printable } from '../output.ts';

/** Looks at everything that a run depends on; each finding says what to do. */
export async function doctor(input: CommandInput, context: Context): Promise<Answer> {
  if (input.options.fix === true) makePrivate(context.home, context.uid);
  const home = homeChecks(context);
  const unsafe = home.some(({ state }) => state === 'problem');
  const vault = unsafe ? undefined : await vaultCheck(input, context);
  const checks = [
    nodeCheck(),
    ...home,
    ...(vault === undefined ? [] : [vault.check, logCheck(context, vault.open), await runsCheck(context)]),
    trackingCheck(),
    surroundingsCheck(context),
  ];
  vault?.open?.close();
  const problems = checks.filter(({ state }) => state === 'problem');
  return {
    json: { ok: problems.length === 0, checks },
    text: checks.map(row).join('\n'),
    status: problems[0]?.status ?? 0,
  };
}

const MARKS: Readonly<Record<Check['state'], string>> = { ok: 'ok     ', warning: 'warning', problem: 'problem' };

function row({ name, state, detail, hint }: Check): string {
  return `${MARKS[state]}  ${name.padEnd(9)}  ${printable(detail)}${hint === undefined ? '' : `\n           → ${printable(hint)}`}`;
}
