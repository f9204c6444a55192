import { carryOutPlain } from './carry-out.ts';
import { SCAN } from './scan-command.ts';

/** The quick way into `hasp scan`. @returns as `carryOutPlain` */
export function scanFromArgv(argv: readonly string[]): boolean {
  return carryOutPlain(SCAN, argv);
}
