import { Chalk, type ChalkInstance } from 'chalk';
import { isTerminal } from './is-terminal.ts';

/** Colour for stdout: on a terminal that has it, and not where NO_COLOR says no (https://no-color.org). */
export function paletteFor(environment: ReadonlyMap<string, string>): ChalkInstance {
  const plain = Boolean(environment.get('NO_COLOR')) || environment.get('TERM') === 'dumb' || !isTerminal(1);
  return new Chalk({ level: plain ? 0 : 1 });
}
