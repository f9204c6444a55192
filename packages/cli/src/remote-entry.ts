import { Link, RemoteBroker, type WithoutBroker } from '@hasp/broker/remote';
import { closeInspector, hardenSelf, holdSignals, SpawnFailure } from '@hasp/process-tree';
import { type Context, makeContext } from './context.ts';
import { checkHome } from './home-guard.ts';
import type { RunInput } from './input.ts';
import { asHaspError, printError, RUN_FAILURE, say } from './output.ts';
import { run } from './run.ts';
import { readRunArgv } from './run-grammar.ts';

/**
 * The way into `hasp run` where a broker may be: it opens neither vault nor log. Where none answers, or it is
 * locked, the run goes its own way from the beginning.
 */
export function runThroughBroker(argv: readonly string[], alone: () => void): boolean {
  const input = readRunArgv(argv);
  if (input === undefined) return false;
  void start(input, alone);
  return true;
}

async function start(input: RunInput, alone: () => void): Promise<void> {
  try {
    const context: Context = makeContext();
    const opening = Link.open(context.home.brokerSocket);
    checkHome(context.home, context.uid);
    const signals = holdSignals(context.inherited);
    const { tracking } = hardenSelf();
    const unseen = closeInspector();
    const opened = await opening;
    if (opened?.isUnlocked !== true) {
      opened?.link.close();
      signals.release();
      alone();
      return;
    }
    await unseen;
    const broker = new RemoteBroker(opened.link, withoutBroker(context), say, opened.session);
    await run(input, context, { signals, tracking, unseen }, async () => broker);
  } catch (error) {
    printError(asHaspError(error), input.json);
    process.exit(error instanceof SpawnFailure ? error.runStatus : RUN_FAILURE);
  }
}

/** What needs the log is in other bundles, whose classes are not ours. */
function withoutBroker(context: Context): WithoutBroker {
  return {
    end: async (run, outcome) => (await import('./run-entry.ts')).endRunAlone(context, run, outcome),
    endAsked: async (run) => (await import('./inside-run.ts')).endAskedAlone(context, run),
  };
}
