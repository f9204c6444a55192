import { HaspError, type Tracking } from '@hasp/core';
import { parseAgentName } from '@hasp/core/rules';
import { array, count, object, oneOf, optional, text } from '../link/fields.ts';
import type { ProjectFacts } from '../run-request.ts';
import type { SessionState } from './session-state.ts';

/** What a wrapper asks for; who it is, the kernel says. Its environment follows as bytes. */
export interface SessionRequest {
  readonly agent: string;
  readonly command: readonly string[];
  readonly cwd: string;
  readonly tracking: Tracking;
  readonly ttlMs?: number;
  readonly graceMs: number;
  readonly keyExposed: boolean;
  readonly projectFacts?: ProjectFacts;
}

export interface SessionAnswer {
  readonly state: SessionState;
  /** Variables whose value is one of the vault's: the session does not get them. */
  readonly withheld: readonly string[];
  /** The manifest has this machine's consent. */
  readonly isTrusted: boolean;
}

/** @throws HaspError E_USAGE, E_NAME_INVALID */
export function readSessionRequest(message: unknown): SessionRequest {
  const fields = object(message, 'session');
  const command = array(fields['command'], 'command').map((word) => text(word, 'command'));
  if (command.length === 0) throw new HaspError('E_USAGE', 'a session needs a command');
  return {
    agent: parseAgentName(text(fields['agent'], 'agent')),
    command,
    cwd: text(fields['cwd'], 'cwd'),
    tracking: oneOf<Tracking>(fields['tracking'], ['full', 'best-effort'], 'tracking'),
    ...optional(fields['ttlMs'], 'ttlMs', count),
    graceMs: count(fields['graceMs'], 'graceMs'),
    keyExposed: fields['keyExposed'] === true,
    ...optional(fields['projectFacts'], 'projectFacts', (value, name) => {
      const { root, manifestHash } = object(value, name);
      return { root: text(root, name), manifestHash: text(manifestHash, name) };
    }),
  };
}

/** NAME=VALUE, each with a NUL behind it: an environment as the kernel has it. The caller wipes it. */
export function encodeEnvironment(environment: ReadonlyMap<string, string>): Buffer {
  return Buffer.from([...environment].map(([name, value]) => `${name}=${value}\0`).join(''));
}

/** Views of the bytes. */
export function* environmentIn(bytes: Buffer): Generator<{ readonly name: string; readonly value: Buffer }> {
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(0, at);
    if (end < 0) return;
    const equals = bytes.indexOf(0x3d, at + 1);
    if (equals >= 0 && equals < end) {
      yield { name: bytes.toString('utf8', at, equals), value: bytes.subarray(equals + 1, end) };
    }
    at = end + 1;
  }
}
