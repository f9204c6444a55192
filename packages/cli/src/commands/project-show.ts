import { deliveryFields, describeDelivery, formatReference, type Wishes } from '@hasp/core';
import type { Answer, CommandInput } from '../command.ts';
import type { Context } from '../context.ts';
import { printable } from '../output.ts';
import { namesOpened, requireProject } from '../project.ts';
import { openStores } from '../stores.ts';

export async function showProject(input: CommandInput, context: Context): Promise<Answer> {
  const project = requireProject(context.cwd, context.environment.get('HOME'));
  const stores = await openStores(input, context);
  const consent = stores.vault.consent(project.root);
  stores.close();
  const trust =
    consent === undefined ? 'untrusted' : consent.manifestHash === project.manifestHash ? 'trusted' : 'changed';
  const { manifest } = project;
  return {
    json: {
      file: project.file,
      ...(manifest.project === undefined ? {} : { project: manifest.project }),
      trust,
      manifest: project.manifestHash,
      secrets: namesOpened(manifest),
      grants: wishesJson(manifest),
      targets: Object.fromEntries(
        [...manifest.targets].map(([name, target]) => [name, { command: target.command, grants: wishesJson(target) }]),
      ),
    },
    text: [
      `${project.file}  (${TRUST[trust]})`,
      ...wishLines(manifest, '  '),
      ...[...manifest.targets].flatMap(([name, target]) => [
        `  target ${name}: ${target.command.join(' ')}`,
        ...wishLines(target, '    '),
      ]),
    ]
      // The author of a repository chooses these words, and must not steer the terminal of who reads them.
      .map(printable)
      .join('\n'),
  };
}

const TRUST = {
  trusted: 'trusted',
  untrusted: 'not trusted on this machine: hasp project trust',
  changed: 'changed since it was trusted: read it, then hasp project trust',
};

function wishesJson({ bindings }: Wishes) {
  return bindings.map(({ delivery, reference }) => ({
    ...deliveryFields(delivery),
    reference: formatReference(reference),
  }));
}

function wishLines(wishes: Wishes, indent: string): string[] {
  return wishesJson(wishes).map((wish) => `${indent}${describeDelivery(wish)}  ${wish.reference}`);
}
