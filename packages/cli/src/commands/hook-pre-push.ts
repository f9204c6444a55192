import { HaspError } from '@hasp/core';
import { type Deed, word } from '../command.ts';
import { guard } from '../git/guard.ts';
import { startPushScan } from '../git/hook-scan.ts';
import { readRefs } from '../git/read-refs.ts';
import { isTerminal } from '../is-terminal.ts';

/** git tells on stdin what it will push, and tells nothing if there is nothing. */
export const guardPush: Deed = async (input, context) => {
  if (isTerminal(0) || context.inherited.closedStdio.includes(0)) {
    throw new HaspError(
      'E_USAGE',
      'this hook reads from git what is to be pushed',
      'let git start it: hasp hook install',
    );
  }
  const lines = readRefs();
  if (lines === '') return {};
  const target = { remote: word(input, 'REMOTE'), url: word(input, 'URL') };
  return guard('pre-push', startPushScan(context, lines, target), input, context);
};
