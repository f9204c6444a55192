import type { Explained } from '@hasp/broker';
import { deliveryFields, describeDelivery, formatReference } from '@hasp/core';
import type { CommandResolution } from '@hasp/process-tree';
import type { RunInput } from './input.ts';
import { print, printable } from './output.ts';

/** Names, references, deliveries, rules and the resolved command; never a value. */
export function printDryRun(explained: readonly Explained[], resolution: CommandResolution, input: RunInput): void {
  const command =
    'path' in resolution
      ? { argv: input.command, path: resolution.path }
      : { argv: input.command, problem: resolution.problem };
  const grants = explained.map(({ wish: { binding }, decision, version }) => ({
    reference: formatReference(binding.reference),
    secret: binding.reference.name,
    ...(version === undefined ? {} : { version }),
    ...deliveryFields(binding.delivery),
    effect: decision.effect === 'allow' && version === undefined ? 'deny' : decision.effect,
    rule: decision.rule,
    why: decision.effect === 'allow' && version === undefined ? 'the vault has no such secret' : decision.why,
  }));
  if (input.json) {
    print(`${JSON.stringify({ grants, command })}\n`);
    return;
  }
  const lines = explained.map(({ wish: { binding } }, index) => {
    const grant = grants[index];
    return `${grant?.effect === 'allow' ? 'grant' : 'deny '}  ${describeDelivery(deliveryFields(binding.delivery))}  ${grant?.reference}  (${grant?.rule}: ${grant?.why})`;
  });
  const path = 'path' in resolution ? resolution.path : resolution.problem;
  print(`${[...lines, `run    ${printable(input.command.join(' '))}  (${printable(path)})`].join('\n')}\n`);
}
