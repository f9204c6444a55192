import type { Answer, CommandInput } from '../command.ts';
import type { Context } from '../context.ts';
import { requireProject } from '../project.ts';
import { openStores } from '../stores.ts';

export async function untrustProject(input: CommandInput, context: Context): Promise<Answer> {
  const { root, file } = requireProject(context.cwd, context.environment.get('HOME'));
  const stores = await openStores(input, context);
  const withdrawn = stores.vault.transaction(() => {
    const consent = stores.vault.consent(root);
    if (consent === undefined) return false;
    stores.vault.untrust(root);
    stores.record({
      type: 'project.untrusted',
      root,
      manifest: consent.manifestHash,
      secrets: consent.names.slice(0, 200),
    });
    return true;
  });
  stores.close();
  return { json: { root, withdrawn }, notes: [withdrawn ? `${file} is no longer trusted` : `${file} was not trusted`] };
}
