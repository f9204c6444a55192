import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { HaspError, type Home, type ProcessIdentity } from '@hasp/core';
import { discard } from '../run-file.ts';

/** What `broker.json` says of the broker that runs; nothing relies on it but people and scripts. */
export interface BrokerFacts {
  readonly pid: number;
  readonly startTime: string;
  readonly bootId: string;
  readonly startedAt: string;
  readonly socketPath: string;
  readonly httpPort: number | null;
}

export function brokerFacts(
  identity: ProcessIdentity,
  startedAt: number,
  home: Home,
  httpPort: number | undefined,
): BrokerFacts {
  const { pid, startTime, bootId } = identity;
  return {
    pid,
    startTime,
    bootId,
    startedAt: new Date(startedAt).toISOString(),
    socketPath: home.brokerSocket,
    httpPort: httpPort ?? null,
  };
}

/**
 * Puts token and facts in their places, each whole: the last step of a start. The token is there for TCP alone.
 * @returns what takes them away, if they are still ours
 * @throws HaspError E_STORAGE
 */
export function publish(home: Home, facts: BrokerFacts, token: string | undefined): () => void {
  try {
    if (token === undefined) discard(home.brokerToken);
    else replace(home.brokerToken, token);
    replace(home.brokerFacts, `${JSON.stringify(facts)}\n`);
  } catch (error) {
    discard(home.brokerToken);
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new HaspError('E_STORAGE', `${home.brokerFacts} could not be written (${code})`, 'free some space');
  }
  return () => {
    if (readFacts(home)?.pid !== facts.pid) return;
    discard(home.brokerFacts);
    discard(home.brokerToken);
  };
}

/** Undefined where there are none, or they can't be read. */
export function readFacts(home: Home): BrokerFacts | undefined {
  try {
    return JSON.parse(readFileSync(home.brokerFacts, 'utf8')) as BrokerFacts;
  } catch {
    return undefined;
  }
}

function replace(file: string, text: string): void {
  const draft = `${file}.${process.pid}.tmp`;
  try {
    writeFileSync(draft, text, { mode: 0o600, flag: 'w' });
    renameSync(draft, file);
  } catch (error) {
    discard(draft);
    throw error;
  }
}
