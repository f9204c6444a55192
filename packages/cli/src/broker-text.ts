import type { DaemonStatus } from '@hasp/broker/daemon';
import { formatDuration } from '@hasp/core';

/** As `broker start` and `broker status` print it. */
export function brokerText(status: DaemonStatus): string {
  const { pid, httpPort, socketPath } = status;
  return [
    'Broker is running.',
    `PID: ${pid}`,
    `HTTP port: ${httpPort ?? 'none'}`,
    `Socket: ${socketPath}`,
    `AIM: ${status.aim}`,
    `Policy file: ${status.policyFile}`,
    `Vault: ${status.isUnlocked ? 'unlocked' : 'locked'}`,
  ].join('\n');
}

/** What changes while it runs. */
export function liveText({ uptimeSeconds, requestCount, policyCount, runs }: DaemonStatus): string {
  const uptime = uptimeSeconds === 0 ? '0s' : formatDuration(uptimeSeconds * 1_000);
  return [`Uptime: ${uptime}`, `Policies: ${policyCount}`, `Requests: ${requestCount}`, `Runs: ${runs}`].join('\n');
}
