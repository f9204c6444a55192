import { type Deed, word } from '../command.ts';
import { guard } from '../git/guard.ts';
import { startMessageScan } from '../git/hook-scan.ts';

export const guardMessage: Deed = (input, context) =>
  guard('commit-msg', startMessageScan(context, word(input, 'FILE')), input, context);
