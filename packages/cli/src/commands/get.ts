import { writeSync } from 'node:fs';
import { askFor, parseAsked } from '@hasp/broker';
import { formatVersionedName, HaspError } from '@hasp/core';
import { type Answer, type CommandInput, word } from '../command.ts';
import type { Context } from '../context.ts';
import { isTerminal } from '../is-terminal.ts';

/** Asks the run above: opens no vault and touches nothing in the home. */
export async function get(input: CommandInput, context: Context): Promise<Answer> {
  const name = formatVersionedName(parseAsked(word(input, 'NAME')));
  const socket = context.environment.get('HASP_SOCKET');
  if (!socket) {
    throw new HaspError(
      'E_NOT_IN_TREE',
      'this is not inside a run that grants with --ask',
      `start it so: hasp run --ask ${name} -- COMMAND`,
    );
  }
  const value = await askFor(socket, name);
  try {
    writeAll(value);
    if (isTerminal(1)) writeAll(Buffer.from('\n'));
  } finally {
    value.fill(0);
  }
  return {};
}

/** A value that was cut off is no value: a failed write fails. @throws HaspError E_STORAGE */
function writeAll(bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(1, bytes, done);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
      if (code !== 'EAGAIN')
        throw new HaspError('E_STORAGE', `the value could not be written out (${code})`, 'see who reads it');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}
