import { carryOutPlain } from './carry-out.ts';
import { REDACT } from './redact-command.ts';

/** The quick way into `hasp redact`. @returns as `carryOutPlain` */
export function redactFromArgv(argv: readonly string[]): boolean {
  return carryOutPlain(REDACT, argv);
}
