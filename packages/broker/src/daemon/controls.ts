import { HaspError } from '@hasp/core';
import { count, object, text } from '../link/fields.ts';
import type { Frame } from '../link/frames.ts';
import { readWanted } from '../session/endings.ts';
import type { Sessions } from '../session/sessions.ts';
import type { Approvals } from './approvals.ts';
import type { ControlDeed } from './line.ts';
import type { OpenVault } from './open-vault.ts';
import type { Rulebook } from './rulebook.ts';

/** What the owner's deeds act on. */
export interface Controlled {
  readonly vault: OpenVault;
  readonly rulebook: Rulebook;
  readonly approvals: Approvals;
  readonly sessions: Sessions;
  lock(): void;
  stop(): void;
}

/** Does what the owner asks for. Returns an answer of its own, if it has one. @throws HaspError as the refusal has it */
export function takeControl(
  deed: Exclude<ControlDeed, 'status'>,
  { message, bytes }: Frame,
  { vault, rulebook, approvals, sessions, lock, stop }: Controlled,
): object | undefined {
  if (deed === 'waiting') return { waiting: approvals.waiting };
  if (deed === 'unlock') {
    const { idleMs } = object(message['unlock'], 'unlock');
    vault.unlock(bytes, idleMs === undefined ? undefined : count(idleMs, 'idleMs'));
  } else if (deed === 'lock') lock();
  else if (deed === 'stop') setImmediate(stop);
  else if (deed === 'reload') rulebook.reload();
  else if (deed === 'revoke') {
    const wanted = readWanted(message['revoke']);
    const withdrawn = approvals.withdraw('all' in wanted ? undefined : wanted.which);
    sessions.revoke(wanted);
    return { withdrawn };
  } else {
    const { id, approved } = object(message['approve'], 'approve');
    if (!approvals.settle(text(id, 'id'), approved === true)) {
      throw new HaspError('E_GRANT_MISSING', 'no such request waits', 'see hasp approve');
    }
  }
  return undefined;
}
