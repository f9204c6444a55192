import type { Schema } from './route.ts';

const text = (description: string): Schema => ({ type: 'string', description });
const count: Schema = { type: 'integer', minimum: 0 };
const flag: Schema = { type: 'boolean' };
const time: Schema = { type: 'string', format: 'date-time' };

function object(properties: Readonly<Record<string, Schema>>, optional: readonly string[] = []): Schema {
  return {
    type: 'object',
    properties,
    required: Object.keys(properties).filter((name) => !optional.includes(name)),
  };
}

const list = (items: Schema): Schema => ({ type: 'array', items });

export const FAILURE: Schema = object(
  {
    error: text('The status in words.'),
    reason: text('Why, for a person.'),
    rule: text('The id of the rule that decided.'),
    code: text('A code of hasp, such as E_DENIED.'),
  },
  ['rule'],
);

const HEALTH = {
  healthy: flag,
  uptimeSeconds: count,
  requestCount: count,
  aimConfigured: flag,
  aimReachable: flag,
  policyCount: count,
};
export const HEALTH_SCHEMA: Schema = object(HEALTH);
export const STATUS_SCHEMA: Schema = object({
  ...HEALTH,
  pid: count,
  startedAt: time,
  socketPath: text('The unix socket.'),
  httpPort: { type: ['integer', 'null'] },
});

export const WANTED: Schema = object(
  {
    agentId: {
      type: 'string',
      maxLength: 256,
      description: 'Whom it is for. The owner may name any agent; an agent only itself, or nobody.',
    },
    credentialName: { type: 'string', maxLength: 300, description: 'NAME, NAME@VERSION, or hasp:// before it.' },
    reason: { type: 'string', maxLength: 4096, description: 'Recorded.' },
    ttl: {
      type: 'string',
      maxLength: 32,
      description: 'How long the grant lasts, such as 90s; 5m where it is absent.',
    },
  },
  ['agentId', 'reason', 'ttl'],
);
export const VALUE_SCHEMA: Schema = object({
  value: text('The value.'),
  grant: text('Names the grant.'),
  expiresAt: time,
});
export const GRANTED_SCHEMA: Schema = object({
  grant: object({
    id: text('Names the grant.'),
    secret: text('Its secret.'),
    version: count,
    agent: text('For whom.'),
    rule: text('By which rule.'),
    expiresAt: time,
  }),
});
export const GRANTS_SCHEMA: Schema = object({ grants: list({ type: 'object' }) });
export const REVOKED_SCHEMA: Schema = object({ revoked: list(text('The id of a grant.')) });
export const SESSIONS_SCHEMA: Schema = object({ sessions: list({ type: 'object' }) });
export const ENDED_SCHEMA: Schema = object({ ended: text('The id of the session.') });
export const BYTES_SCHEMA: Schema = { type: 'string', format: 'binary', maxLength: 65_536 };
export const FINDINGS_SCHEMA: Schema = object({
  findings: list(
    object({
      secret: text('NAME, or NAME@N where it is an earlier version.'),
      spelling: text('How it is encoded.'),
      offset: count,
    }),
  ),
});
export const LIVE_SCHEMA: Schema = object({ live: flag });
export const READY_SCHEMA: Schema = object({
  ready: flag,
  checks: list(object({ name: text('What is checked.'), ok: flag, reason: text('Why not.') }, ['reason'])),
});
