import path from 'node:path';
import { readPolicy } from '@hasp/broker/policy';
import { type Answer, type CommandInput, word } from '../command.ts';
import type { Context } from '../context.ts';
import { counted } from '../counted.ts';
import { checkHome } from '../home-guard.ts';

/** Reads as the broker would, and says what it read. */
export async function checkPolicy(input: CommandInput, context: Context): Promise<Answer> {
  const typed = word(input, '[FILE]');
  if (typed === '') checkHome(context.home, context.uid);
  const file = typed === '' ? context.home.policy : path.resolve(context.cwd, typed);
  const loaded = readPolicy({ file, named: typed !== '', uid: context.uid });
  const rules = loaded?.policy.rules ?? [];
  const count = counted(rules.length, 'rule');
  return {
    json: {
      file,
      present: loaded !== undefined,
      ...(loaded === undefined ? {} : { sha256: loaded.sha256 }),
      rules: rules.map(({ id, effect }) => ({ id, effect })),
    },
    notes: [
      loaded === undefined
        ? `there is no ${file}: agents get only what trusted manifests give them`
        : `${file} is in order: ${count}`,
    ],
  };
}
