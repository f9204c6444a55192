import './guard.ts';
import { readFileSync, writeSync } from 'node:fs';
import path from 'node:path';

void start(process.argv.slice(2));

/** Three ways in, the quickest first: the help page is made by the build, `run` loads no parser. */
async function start(argv: readonly string[]): Promise<void> {
  if (argv.length === 1 && argv[0] === '--help' && printBuiltHelp()) return;
  if (argv[0] === 'run') {
    const { runFromArgv } = await import('./run-entry.ts');
    if (runFromArgv(argv.slice(1))) return;
  }
  const { main } = await import('./main.ts');
  await main(argv);
}

/** False where it can't be printed whole: the parser then says the same, more slowly. */
function printBuiltHelp(): boolean {
  try {
    const page = readFileSync(path.join(__dirname, 'help.txt'));
    return writeSync(1, page) === page.length;
  } catch {
    return false;
  }
}
