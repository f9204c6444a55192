import { parseName } from '@hasp/core';
import { type Answer, type CommandInput, word } from '../command.ts';
import type { Context } from '../context.ts';
import { openStores } from '../stores.ts';
import { table } from '../table.ts';

export async function showHistory(input: CommandInput, context: Context): Promise<Answer> {
  const name = parseName(word(input, 'NAME'));
  const stores = await openStores(input, context);
  const versions = [...stores.vault.history(name)].sort((a, b) => b.version - a.version);
  stores.close();
  return {
    json: { name, versions },
    text: table(
      ['VERSION', 'STORED', ''],
      versions.map(({ version, createdAt, placeholder }) => [
        `${name}@${version}`,
        createdAt,
        placeholder ? 'placeholder' : '',
      ]),
    ),
  };
}
