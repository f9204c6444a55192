import { closeSync, openSync, writeSync } from 'node:fs';
import path from 'node:path';
import { MANIFEST_NAME } from '@hasp/broker';
import { HaspError } from '@hasp/core';
import type { Answer, CommandInput } from '../command.ts';
import type { Context } from '../context.ts';

export async function initProject(_input: CommandInput, context: Context): Promise<Answer> {
  const file = path.join(context.cwd, MANIFEST_NAME);
  const manifest = { version: 1, project: path.basename(context.cwd), env: {}, targets: {} };
  try {
    const descriptor = openSync(file, 'wx', 0o644);
    writeSync(descriptor, `${JSON.stringify(manifest, undefined, 2)}\n`);
    closeSync(descriptor);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    if (code === 'EEXIST') throw new HaspError('E_EXISTS', `${file} is there already`, 'look at it: hasp project show');
    throw new HaspError('E_STORAGE', `${file} could not be written (${code})`, 'check the folder, or free some space');
  }
  return {
    json: { file },
    notes: [
      `wrote ${file}`,
      'bind secrets in it, for example "env": { "DATABASE_URL": "hasp://db/url" }, then: hasp project trust',
    ],
  };
}
