import { fileURLToPath } from 'node:url';
import { HaspError } from '@hasp/core';
import type { Answer, Deed } from '../command.ts';
import type { Context } from '../context.ts';
import { type Installation, installGlobally, installHooks } from '../git/hook-installation.ts';

/** The launcher, beside the bundle that this is in. */
const HASP = fileURLToPath(new URL('../bin/hasp', import.meta.url));

export const installHook: Deed = async (input, context) => {
  const place = { ...context, asUser: true };
  const isGlobal = input.options['global'] === true;
  const done = isGlobal ? await installGlobally(place, globalFolder(context), HASP) : await installHooks(place, HASP);
  return answerOf(done, 'see that they block: hasp hook status');
};

export const globalFolder = ({ home }: Context): string => `${home.root}/hooks`;

export function answerOf({ changes, notes, snippet }: Installation, next?: string): Answer {
  const told = changes.map(({ what, file }) => `${what} ${file}`);
  return {
    // Nothing is guarded before a person does the rest.
    ...(snippet === undefined ? {} : { status: new HaspError('E_EXISTS', '').exitStatus }),
    json: { changes, notes, ...(snippet === undefined ? {} : { snippet }) },
    ...(snippet === undefined ? {} : { text: snippet.trimEnd() }),
    notes: [...told, ...notes, ...(next === undefined ? [] : [next])],
  };
}
