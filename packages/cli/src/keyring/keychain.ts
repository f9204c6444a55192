import { type Failure, type Keyring, SERVICE } from './keyring.ts';
import { lookMs, STORE_MS } from './limits.ts';
import type { RunTool, ToolEnd } from './tool.ts';

// Not run on a Mac yet: written after security(1) and the codes of SecBase.h.

const TOOL = '/usr/bin/security';
/** errSecItemNotFound, -25300, as an exit status. */
const NOT_FOUND = 44;
/** errSecInteractionNotAllowed (-25308), errSecAuthFailed (-25293), errSecUserCanceled (-128). */
const NOT_OPEN = [36, 51, 128];

/** The login keychain, through the command that every Mac has. */
export function keychain(given: ReadonlyMap<string, string>, run: RunTool): Keyring {
  const environment = { HOME: given.get('HOME') ?? '/', PATH: '/usr/bin:/bin', LC_ALL: 'C' };
  return {
    async look(account, patience) {
      const argv = ['find-generic-password', '-s', SERVICE, '-a', account, '-w'];
      const end = await run(TOOL, { argv, environment, limitMs: patience === 'short' ? lookMs() : undefined });
      if (end.status === 0) return { state: 'found', text: end.stdout };
      if (end.status === NOT_FOUND) return { state: 'missing' };
      // A window asks there, and would wait for ever.
      if (end.isLate || isNotOpen(end)) return { state: 'locked' };
      return unreachable(end);
    },
    async store(account, label, text, patience) {
      // As a line on stdin: arguments are public, and -w without a value would ask on the terminal.
      const head = `add-generic-password -U -s ${SERVICE} -a ${account} -l "${quotable(label)}" -w `;
      const line = Buffer.concat([Buffer.from(head), text]);
      const limitMs = patience === 'short' ? STORE_MS : undefined;
      const end = await run(TOOL, { argv: ['-i'], line, environment, limitMs });
      line.fill(0);
      return failureOf(end);
    },
    async remove(account) {
      const argv = ['delete-generic-password', '-s', SERVICE, '-a', account];
      const end = await run(TOOL, { argv, environment, limitMs: STORE_MS });
      return end.status === NOT_FOUND ? undefined : failureOf(end);
    },
  };
}

const quotable = (label: string) => label.replaceAll(/[\p{Cc}"\\$`]/gu, '_');
const isNotOpen = ({ status }: ToolEnd) => status !== undefined && NOT_OPEN.includes(status);
const unreachable = ({ complaint }: ToolEnd) =>
  ({
    state: 'unreachable',
    why: complaint || 'the keychain does not answer',
    hint: 'log in at the Mac itself, or: security unlock-keychain',
  }) as const;

function failureOf(end: ToolEnd): Failure {
  if (end.status === 0) return undefined;
  return isNotOpen(end) ? { state: 'locked' } : unreachable(end);
}
