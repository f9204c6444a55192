import type { Answer, CommandInput } from '../command.ts';
import type { Context } from '../context.ts';
import { namesOpened, requireProject } from '../project.ts';
import { openStores } from '../stores.ts';

/** The consent binds the real path of the root and the hash of the very bytes that were parsed. */
export async function trustProject(input: CommandInput, context: Context): Promise<Answer> {
  const { root, file, manifestHash, manifest } = requireProject(context.cwd, context.environment.get('HOME'));
  const secrets = namesOpened(manifest);
  const stores = await openStores(input, context);
  stores.vault.transaction(() => {
    stores.vault.trust(root, manifestHash, secrets);
    stores.record({ type: 'project.trusted', root, manifest: manifestHash, secrets: secrets.slice(0, 200) });
  });
  stores.close();
  return {
    json: { root, manifest: manifestHash, secrets },
    notes: [`trusted ${file}`, secrets.length === 0 ? 'it opens no secret' : `it opens: ${secrets.join(', ')}`],
  };
}
