import { HaspError } from '@hasp/core';
import { quote } from './home-guard.ts';

const NOT_EXECUTABLE = 126;
const NOT_FOUND = 127;

/** Node would hand on what is not UTF-8 altered, without a word. */
export function unfaithful(): HaspError {
  return new HaspError(
    'E_USAGE',
    'an argument or a variable of the environment is not valid UTF-8',
    'unset or re-encode it: hasp never alters what it passes on',
  );
}

/** What is said of a command that can't be started, and the status that a shell gives it. @param command as it may be shown */
export function unfound(
  command: string,
  problem: 'not-found' | 'not-executable',
): { readonly fault: HaspError; readonly status: number } {
  const found = problem === 'not-executable';
  const message = found ? `${command} can't be executed` : `${command}: command not found`;
  const hint = found ? `check its mode and its first line: ls -l ${quote(command)}` : 'check the spelling, and PATH';
  return { fault: new HaspError('E_SPAWN', message, hint), status: found ? NOT_EXECUTABLE : NOT_FOUND };
}
