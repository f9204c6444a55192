import { constants, fstatSync, openSync } from 'node:fs';
import path from 'node:path';
import { HaspError, parseName } from '@hasp/core';
import { type CommandInput, textOption, word } from './command.ts';
import type { Context } from './context.ts';
import { isTerminal } from './is-terminal.ts';
import { MAX_VALUE_BYTES, readDescriptor, withoutFinalNewline } from './read-all.ts';
import { askTwice } from './terminal.ts';

/** Shorter values would be found in every output: they are not searched for. */
export const SHORTEST_GUARDED = 7;

/** The name, which can't carry the value: argv is public. @throws HaspError E_USAGE, E_NAME_INVALID */
export function nameToSet(input: CommandInput): string {
  const name = word(input, 'NAME');
  if (name.includes('=')) {
    throw new HaspError(
      'E_USAGE',
      "a value can't be an argument: every process can read argv",
      'give the name only, and the value on stdin: printf %s VALUE | hasp secret set NAME',
    );
  }
  return parseName(name);
}

/** The value as bytes: from `--file`, a hidden prompt, or stdin. @throws HaspError E_USAGE, E_VAULT_LOCKED */
export async function readValue(input: CommandInput, context: Context): Promise<Buffer> {
  const file = textOption(input, 'file');
  if (file !== undefined) return readFile(path.resolve(context.cwd, file));
  if (isTerminal(0)) return askTwice('Value');
  if (input.passphraseFd === 0) {
    throw new HaspError(
      'E_USAGE',
      'stdin was to carry the passphrase and the value',
      'use another descriptor: --passphrase-fd 3 3< file',
    );
  }
  if (context.inherited.closedStdio.includes(0)) {
    throw new HaspError('E_USAGE', 'stdin is closed: there is no value', 'for example: hasp secret set NAME < file');
  }
  return withoutFinalNewline(readDescriptor(0, MAX_VALUE_BYTES, 'the value'));
}

function readFile(file: string): Buffer {
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_RDONLY);
    if (fstatSync(descriptor).isDirectory()) throw Object.assign(new Error('a folder'), { code: 'EISDIR' });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new HaspError('E_USAGE', `${file} could not be read (${code})`, 'name a file that you can read');
  }
  return readDescriptor(descriptor, MAX_VALUE_BYTES, 'the value');
}

/** What a person should know of this value. */
export function valueNotes(value: Buffer, placeholder: boolean): string[] {
  if (value.length === 0) return ['the value is empty: was something meant to come on stdin?'];
  if (value.length >= SHORTEST_GUARDED || placeholder) return [];
  return [`a value of less than ${SHORTEST_GUARDED} bytes is not masked in output`];
}
