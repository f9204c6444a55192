import type { RunRequest } from '@hasp/broker';
import type { StragglerPolicy, Survivor } from '@hasp/core';
import { say } from './output.ts';

const SHOWN = 8;

/** `hasp: npm left 1 process running with DATABASE_URL: gradle (4711), terminated` */
export function sayStragglers(request: RunRequest, survivors: readonly Survivor[], policy: StragglerPolicy): void {
  if (survivors.length === 0) return;
  if (policy === 'wait' && survivors.every(({ outcome }) => outcome !== 'left' && outcome !== 'not-permitted')) return;
  const command = (request.command[0] ?? '').split('/').at(-1) ?? '';
  const processes = survivors.length === 1 ? '1 process' : `${survivors.length} processes`;
  const names = request.wishes.map(({ binding: { delivery, reference } }) =>
    'variable' in delivery ? delivery.variable : delivery.kind === 'stdin' ? 'stdin' : reference.name,
  );
  say(`${command} left ${processes} running with ${names.join(', ')}: ${listOf(survivors)}`);
}

/** `gradle (4711), terminated; …` */
export function listOf(survivors: readonly Survivor[]): string {
  const listed = survivors
    .slice(0, SHOWN)
    .map((survivor) => `${survivor.command} (${survivor.pid}), ${OUTCOMES[survivor.outcome]}`);
  const more = survivors.length > SHOWN ? `; and ${survivors.length - SHOWN} more` : '';
  return `${listed.join('; ')}${more}`;
}

const OUTCOMES: Readonly<Record<Survivor['outcome'], string>> = {
  terminated: 'terminated',
  killed: 'killed',
  left: 'left running',
  'not-permitted': 'could not be ended (another user)',
};
