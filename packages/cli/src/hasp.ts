import './guard.ts';
import './old-node.ts';
import { existsSync, readFileSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { compileBundle, evaluateBundle } from './bundle.ts';
import type * as HookEntry from './hook-entry.ts';
import type * as Main from './main.ts';
import type * as RedactEntry from './redact-entry.ts';
import type * as RemoteEntry from './remote-entry.ts';
import type * as RunEntry from './run-entry.ts';
import type * as ScanEntry from './scan-entry.ts';

start(process.argv.slice(2));

/** The ways in, the quickest first: the help page is made by the build; `run`, git's hooks, `scan` and `redact` load no parser. */
function start(argv: readonly string[]): void {
  if (argv.length === 1 && argv[0] === '--help' && printBuiltHelp()) return;
  try {
    process.cwd();
  } catch {
    refuse('the working directory is gone', 'cd to a folder that exists', argv[0] === 'run' ? 125 : 2);
  }
  try {
    if (argv[0] === 'run' && run(argv.slice(1))) return;
    if (argv[0] === 'hook' && load<typeof HookEntry>('hook').hookFromArgv(argv.slice(1))) return;
    if (argv[0] === 'scan' && load<typeof ScanEntry>('scan').scanFromArgv(argv.slice(1))) return;
    if (argv[0] === 'redact' && load<typeof RedactEntry>('redact').redactFromArgv(argv.slice(1))) return;
    void load<typeof Main>('main').main(argv);
  } catch (error) {
    unstartable(error instanceof Error ? error : new Error('unknown fault'), argv[0] === 'run');
  }
}

function run(argv: readonly string[]): boolean {
  const alone = (): boolean => load<typeof RunEntry>('run').runFromArgv(argv);
  return mayHaveBroker() ? load<typeof RemoteEntry>('remote').runThroughBroker(argv, alone) : alone();
}

/** Its socket is there, wherever that is; whether it answers is seen later. */
function mayHaveBroker(): boolean {
  const { HASP_HOME, HOME } = process.env;
  return existsSync(`${HASP_HOME || `${HOME}/.hasp`}/broker.sock`);
}

/** A native module is missing or made for another Node: nothing of hasp's could begin. */
function unstartable({ message }: Error, isRun: boolean): never {
  const again = `install again with this Node (${process.version}): npm ci && npm run build`;
  refuse(`could not start: ${message.split('\n')[0]}`, again, isRun ? 125 : 1);
}

function refuse(message: string, hint: string, status: number): never {
  writeSync(2, `hasp: ${message}\n  → ${hint}\n`);
  process.exit(status);
}

function load<T>(name: string): T {
  const file = path.join(__dirname, `${name}.cjs`);
  return evaluateBundle(compileBundle(file), file, createRequire(file));
}

/** False where it can't be printed: the parser then says the same, more slowly. */
function printBuiltHelp(): boolean {
  try {
    writeSync(1, readFileSync(path.join(__dirname, 'help.txt')));
    return true;
  } catch {
    return false;
  }
}
