import { closeSync, constants, openSync, statfsSync } from 'node:fs';
import { HaspError } from '@hasp/core';
import type { Reply } from './reply.ts';
import type { Api } from './route.ts';

interface Check {
  readonly name: 'listening' | 'vault unlocked' | 'audit writable' | 'policy loaded';
  readonly ok: boolean;
  readonly reason?: string;
}

/** What a few records need. */
const ROOM_BYTES = 256 * 1024;

/** What has to be so before a value can be had. */
function checksOf({ parts }: Api): Check[] {
  const { isUnlocked } = parts.status();
  const audit = auditProblem(parts);
  return [
    { name: 'listening', ok: true },
    { name: 'vault unlocked', ok: isUnlocked, ...(isUnlocked ? {} : { reason: 'locked: hasp unlock' }) },
    { name: 'audit writable', ok: audit === undefined, ...(audit === undefined ? {} : { reason: audit }) },
    // A broker without a policy that can be read does not start, and keeps the one that it has.
    { name: 'policy loaded', ok: true },
  ];
}

/** Looks at files and disk, and writes nothing: a record is no question of health. */
function auditProblem({ home, log }: Api['parts']): string | undefined {
  try {
    closeSync(openSync(home.auditLog, constants.O_RDWR | constants.O_APPEND));
    const { bavail, bsize } = statfsSync(home.root);
    if (bavail * bsize < ROOM_BYTES) return 'the disk is full';
    log.head();
    return undefined;
  } catch (error) {
    if (error instanceof HaspError) return error.message;
    return `the log can not be written (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`;
  }
}

function healthOf(api: Api) {
  const { uptimeSeconds, requestCount, aim, policyCount } = api.parts.status();
  return {
    healthy: checksOf(api).every(({ ok }) => ok),
    uptimeSeconds,
    requestCount,
    aimConfigured: aim !== 'not configured',
    aimReachable: aim === 'configured (reachable)',
    policyCount,
  };
}

export function health(api: Api): Reply {
  return { status: 200, json: healthOf(api) };
}

export function status(api: Api): Reply {
  const { pid, startedAt, socketPath, httpPort } = api.parts.status();
  return { status: 200, json: { ...healthOf(api), pid, startedAt, socketPath, httpPort } };
}

export function live(): Reply {
  return { status: 200, json: { live: true } };
}

export function ready(api: Api): Reply {
  const checks = checksOf(api);
  const isReady = checks.every(({ ok }) => ok);
  return { status: isReady ? 200 : 503, json: { ready: isReady, checks } };
}
