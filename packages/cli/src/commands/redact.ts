import { HaspError } from '@hasp/core';
import { exitLike, filterInput } from '@hasp/process-tree';
import { brokerOf } from '../broker-of.ts';
import type { Answer, CommandInput } from '../command.ts';
import type { Context } from '../context.ts';
import { openStores } from '../stores.ts';

/** stdin to stdout, with a mark in the place of every managed value. Nothing is read before all of them are known. */
export async function redact(input: CommandInput, context: Context): Promise<Answer> {
  const { closedStdio } = context.inherited;
  if (closedStdio.includes(0) || closedStdio.includes(1)) {
    const closed = closedStdio.includes(0) ? 'stdin' : 'stdout';
    throw new HaspError('E_USAGE', `${closed} is closed`, 'for example: hasp redact < file > other');
  }
  const stores = await openStores(input, context);
  const redaction = brokerOf(stores, context).redaction();
  try {
    const problems: string[] = [];
    const end = await filterInput(redaction.redactor(), (line) => problems.push(line));
    if (end === 'reader-gone') exitLike({ signal: 'SIGPIPE' });
    const [problem] = problems;
    if (problem !== undefined) throw new HaspError('E_STORAGE', problem);
    return {};
  } finally {
    redaction.wipe();
    stores.close();
  }
}
