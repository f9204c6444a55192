import { closeInspector, hardenSelf, holdSignals, SpawnFailure } from '@hasp/process-tree';
import { type Context, makeContext } from './context.ts';
import type { RunInput } from './input.ts';
import { asHaspError, printError, RUN_FAILURE } from './output.ts';
import { openOwnBroker } from './own-broker.ts';
import { requireGiven } from './read-all.ts';
import { run } from './run.ts';
import { readRunArgv } from './run-grammar.ts';

export { endRunAlone } from './end-run-alone.ts';

/** The quick way into `hasp run`; false where argv needs the whole parser. */
export function runFromArgv(argv: readonly string[]): boolean {
  const input = readRunArgv(argv);
  if (input === undefined) return false;
  void startRun(input);
  return true;
}

/** Harden first, then everything else; every failure of hasp's own is 125. */
export async function startRun(input: RunInput): Promise<void> {
  try {
    const context: Context = makeContext();
    requireGiven(input.passphraseFd, context.inherited);
    const signals = holdSignals(context.inherited);
    const { tracking } = hardenSelf();
    // What comes before the key is done meanwhile.
    await run(input, context, { signals, tracking, unseen: closeInspector() }, openOwnBroker);
  } catch (error) {
    printError(asHaspError(error), input.json);
    process.exit(error instanceof SpawnFailure ? error.runStatus : RUN_FAILURE);
  }
}
