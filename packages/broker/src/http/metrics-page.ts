import type { Gauge } from './metrics.ts';
import type { Reply } from './reply.ts';
import type { Api } from './route.ts';

/** For Prometheus. */
export function metricsPage(api: Api): Reply {
  const { parts, fetching, attempts, connections, metrics } = api;
  const { requestCount, uptimeSeconds, aim, policyCount, isUnlocked } = parts.status();
  const flag = (value: boolean): number => (value ? 1 : 0);
  const gauges: Gauge[] = [
    { name: 'hasp_requests_total', says: 'Requests of every kind.', value: requestCount, type: 'counter' },
    {
      name: 'hasp_auth_failures_total',
      says: 'Requests without a token that holds.',
      value: attempts.total,
      type: 'counter',
    },
    { name: 'hasp_grants_live', says: 'Live grants whose values are fetched here.', value: fetching.liveCount },
    { name: 'hasp_connections_open', says: 'Open connections.', value: connections.size },
    { name: 'hasp_policy_rules', says: 'Rules in force.', value: policyCount },
    { name: 'hasp_vault_unlocked', says: '1 where the vault is unlocked.', value: flag(isUnlocked) },
    { name: 'hasp_uptime_seconds', says: 'Since the start.', value: uptimeSeconds },
    {
      name: 'hasp_aim_configured',
      says: '1 where there is an identity server.',
      value: flag(aim !== 'not configured'),
    },
    {
      name: 'hasp_aim_reachable',
      says: '1 where the identity server has answered the last time.',
      value: flag(aim === 'configured (reachable)'),
    },
    ...auditHead(api),
  ];
  return { status: 200, text: metrics.text(gauges), type: 'text/plain; version=0.0.4; charset=utf-8' };
}

function auditHead({ parts }: Api): Gauge[] {
  try {
    return [{ name: 'hasp_audit_head', says: 'Records of the audit log.', value: parts.log.head().seq }];
  } catch {
    // Then there is none to tell.
    return [];
  }
}
