import type { Deed } from '../command.ts';
import { uninstallGlobally, uninstallHooks } from '../git/hook-installation.ts';
import { answerOf, globalFolder } from './hook-install.ts';

export const uninstallHook: Deed = async (input, context) => {
  const place = { ...context, asUser: true };
  const isGlobal = input.options['global'] === true;
  const done = isGlobal ? await uninstallGlobally(place, globalFolder(context)) : await uninstallHooks(place);
  return answerOf(done.changes.length > 0 ? done : { ...done, notes: ['there was nothing to take away'] });
};
