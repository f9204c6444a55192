import { HaspError } from '@hasp/core';
import { closeInspector, hardenSelf } from '@hasp/process-tree';
import type { Answer, Command, CommandInput } from './command.ts';
import { type Context, makeContext } from './context.ts';
import { asHaspError, print, printError, say } from './output.ts';
import { readPlainArgv } from './plain-argv.ts';
import { requireGiven } from './read-all.ts';
import { insideSession, refuseInside } from './session-place.ts';

/**
 * Ends this process with the exit status that `work` gives, after telling what was in its way; the one place that catches.
 * Where it gives none it ends the process itself.
 */
export async function conclude(
  work: () => Promise<number | undefined>,
  json: boolean,
  failure?: number,
): Promise<void> {
  try {
    const status = await work();
    if (status === undefined) return;
    process.exitCode = status;
  } catch (error) {
    const fault = asHaspError(error);
    printError(fault, json);
    process.exitCode = failure ?? fault.exitStatus;
  }
  process.exit();
}

/** The quick way into a command, by what stands behind its name; false where that needs the whole parser. */
export function carryOutPlain(command: Command, argv: readonly string[]): boolean {
  const input = readPlainArgv(command, argv);
  if (input === undefined) return false;
  void conclude(() => carryOut(command, input), input.json);
  return true;
}

/** Hardens this process, does what the command says, and shows the answer. @returns the exit status */
export async function carryOut(command: Command, input: CommandInput): Promise<number> {
  // If nothing is left that could happen, what was asked for never will.
  process.once('beforeExit', endUnfinished);
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

function endUnfinished(): never {
  printError(
    new HaspError('E_INTERNAL', 'the work ended half way', 'this is a fault of hasp: please report it'),
    false,
  );
  process.exit(1);
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
