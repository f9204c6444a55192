import { carryOut, conclude } from './carry-out.ts';
import { print, RUN_FAILURE } from './output.ts';
import { parseArgv } from './parse-argv.ts';

/** Parses, and does what was meant. */
export async function main(argv: readonly string[]): Promise<void> {
  const isRun = argv.find((word) => !word.startsWith('-')) === 'run';
  const json = argv.slice(0, argv.indexOf('--') < 0 ? argv.length : argv.indexOf('--')).includes('--json');
  await conclude(() => dispatch(argv), json, isRun ? RUN_FAILURE : undefined);
}

async function dispatch(argv: readonly string[]): Promise<number | undefined> {
  const parsed = await parseArgv(argv);
  if (parsed.kind === 'run') {
    await (await import('./run-entry.ts')).startRun(parsed.input);
    return undefined;
  }
  if (parsed.kind === 'help') {
    print(`${parsed.text}\n`);
    return 0;
  }
  return carryOut(parsed.command, parsed.input);
}
