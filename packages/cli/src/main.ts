import { HaspError } from '@hasp/core';
import { closeInspector, hardenSelf } from '@hasp/process-tree';
import type { Answer, Command, CommandInput } from './command.ts';
import { type Context, makeContext } from './context.ts';
import { asHaspError, print, printError, RUN_FAILURE, say } from './output.ts';
import { type Parsed, parseArgv } from './parse-argv.ts';
import { requireGiven } from './read-all.ts';
import { insideSession, refuseInside } from './session-place.ts';

/** Parses, dispatches, and is the one place that catches. */
export async function main(argv: readonly string[]): Promise<void> {
  const isRun = argv.find((word) => !word.startsWith('-')) === 'run';
  const json = argv.slice(0, argv.indexOf('--') < 0 ? argv.length : argv.indexOf('--')).includes('--json');
  try {
    const parsed = await parseArgv(argv);
    if (parsed.kind === 'run') return await (await import('./run-entry.ts')).startRun(parsed.input);
    // If nothing is left that could happen, what was asked for never will.
    process.once('beforeExit', endUnfinished);
    process.exitCode = await dispatch(parsed);
  } catch (error) {
    const fault = asHaspError(error);
    printError(fault, json);
    process.exitCode = isRun ? RUN_FAILURE : fault.exitStatus;
  }
  process.exit();
}

function endUnfinished(): never {
  printError(
    new HaspError('E_INTERNAL', 'the work ended half way', 'this is a fault of hasp: please report it'),
    false,
  );
  process.exit(1);
}

async function dispatch(parsed: Exclude<Parsed, { kind: 'run' }>): Promise<number> {
  if (parsed.kind === 'help') {
    print(`${parsed.text}\n`);
    return 0;
  }
  const { command, input } = parsed;
  const context = makeContext();
  for (const descriptor of [input.passphraseFd, input.options['new-passphrase-fd']]) {
    requireGiven(descriptor, context.inherited);
  }
  if (command.hardensItself !== true) hardenSelf();
  await closeInspector();
  await placeInSession(command, input, context);
  const deed = await command.load();
  const answer = await deed(input, context);
  show(answer, input.json);
  return answer.problem?.exitStatus ?? answer.status ?? 0;
}

/** The one place where an agent session keeps its processes from plaintext and administration. @throws HaspError E_AGENT_SESSION */
async function placeInSession(command: Command, { options }: CommandInput, context: Context): Promise<void> {
  const refused = Object.entries(command.options ?? {}).find(
    ([name, { isRefusedInSession }]) => isRefusedInSession && name in options && options[name] !== false,
  )?.[0];
  const isRefused = command.inSession === undefined || refused !== undefined;
  const inside = await insideSession(context, isRefused);
  if (inside === undefined) return;
  context.inside = inside;
  const words = command.usage.split(' ').filter((word) => /^[a-z]/.test(word));
  if (isRefused)
    refuseInside(context, ['hasp', ...words, ...(refused === undefined ? [] : [`--${refused}`])].join(' '));
}

function show({ json, text, notes, problem }: Answer, asJson: boolean): void {
  if (asJson && json !== undefined) print(`${JSON.stringify(json)}\n`);
  if (!asJson) {
    if (text) print(`${text}\n`);
    for (const note of notes ?? []) say(note);
  }
  if (problem !== undefined) printError(problem, asJson);
}
