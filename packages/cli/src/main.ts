import { HaspError } from '@hasp/core';
import { closeInspector, hardenSelf } from '@hasp/process-tree';
import type { Answer } from './command.ts';
import { makeContext } from './context.ts';
import { asHaspError, print, printError, RUN_FAILURE, say } from './output.ts';
import { type Parsed, parseArgv } from './parse-argv.ts';

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
  const context = makeContext();
  hardenSelf();
  await closeInspector();
  const deed = await parsed.command.load();
  const answer = await deed(parsed.input, context);
  show(answer, parsed.input.json);
  return answer.problem?.exitStatus ?? answer.status ?? 0;
}

function show({ json, text, notes, problem }: Answer, asJson: boolean): void {
  if (asJson && json !== undefined) print(`${JSON.stringify(json)}\n`);
  if (!asJson) {
    if (text) print(`${text}\n`);
    for (const note of notes ?? []) say(note);
  }
  if (problem !== undefined) printError(problem, asJson);
}
