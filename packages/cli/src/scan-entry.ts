import { carryOut, conclude } from './carry-out.ts';
import { readPlainArgv } from './plain-argv.ts';
import { SCAN } from './scan-command.ts';

/** The quick way into `hasp scan`; false where argv needs the whole parser. */
export function scanFromArgv(argv: readonly string[]): boolean {
  const input = readPlainArgv(SCAN, argv);
  if (input === undefined) return false;
  void conclude(() => carryOut(SCAN, input), input.json);
  return true;
}
