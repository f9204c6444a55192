import { HaspError } from '@hasp/core';
import type { Deed } from '../command.ts';
import { fireHooks } from '../git/fire.ts';
import { findHookPlace } from '../git/hook-place.ts';
import { table } from '../table.ts';

/** Fires the hooks that git would start here. */
export const showHooks: Deed = async (_input, context) => {
  const place = { ...context, asUser: true };
  const found = await findHookPlace(place);
  const hooks = await fireHooks(place, found);
  const ok = hooks.every(({ blocks }) => blocks);
  const rows = hooks.map(({ hook, file, blocks, why }) => [hook, blocks ? 'blocked' : `not blocked: ${why}`, file]);
  return {
    json: { ok, folder: found.folder, hooks },
    text: table(['HOOK', 'CANARY', 'FILE'], rows),
    ...(ok ? {} : { status: new HaspError('E_LEAK_FOUND', '').exitStatus, notes: ['put them in: hasp hook install'] }),
  };
};
