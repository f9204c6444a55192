import { carryOut, conclude } from './carry-out.ts';
import { readPlainArgv } from './plain-argv.ts';
import { REDACT } from './redact-command.ts';

/** The quick way into `hasp redact`; false where argv needs the whole parser. */
export function redactFromArgv(argv: readonly string[]): boolean {
  const input = readPlainArgv(REDACT, argv);
  if (input === undefined) return false;
  void conclude(() => carryOut(REDACT, input), input.json);
  return true;
}
