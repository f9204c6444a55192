import { endGrant, listGrants } from './grants.ts';
import { health, live, ready, status } from './health.ts';
import { metricsPage } from './metrics-page.ts';
import { openApi } from './openapi.ts';
import { makeGrant, resolve } from './resolve.ts';
import type { Route } from './route.ts';
import { scan } from './scan.ts';
import * as schemas from './schemas.ts';
import { endSession, listSessions } from './sessions.ts';

const JSON_TYPE = 'application/json';

/** Everything that the broker answers to, on the unix socket and on TCP alike. */
export const ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/health',
    says: 'Whether the broker can do its work, in a few numbers.',
    answers: { 200: { says: 'As it is now.', schema: schemas.HEALTH_SCHEMA } },
    deed: (_, api) => health(api),
  },
  {
    method: 'GET',
    path: '/status',
    says: 'The same, and where it runs.',
    answers: { 200: { says: 'As it is now.', schema: schemas.STATUS_SCHEMA } },
    deed: (_, api) => status(api),
  },
  {
    method: 'POST',
    path: '/resolve',
    says: 'The value of a secret, where the rules let the agent have it. Recorded, allowed or not.',
    takes: { type: JSON_TYPE, schema: schemas.WANTED },
    answers: {
      200: { says: 'Allowed, and on record.', schema: schemas.VALUE_SCHEMA },
      403: { says: 'Denied, and on record.', schema: schemas.FAILURE },
      404: { says: 'Allowed, and the vault has no such secret.', schema: schemas.FAILURE },
      422: { says: 'Allowed, and its bytes are no text.', schema: schemas.FAILURE },
    },
    deed: resolve,
  },
  {
    method: 'POST',
    path: '/v1/grants',
    says: 'A grant whose value is fetched later, by /resolve.',
    takes: { type: JSON_TYPE, schema: schemas.WANTED },
    answers: {
      201: { says: 'Allowed, and on record.', schema: schemas.GRANTED_SCHEMA },
      403: { says: 'Denied, and on record.', schema: schemas.FAILURE },
      404: { says: 'Allowed, and the vault has no such secret.', schema: schemas.FAILURE },
    },
    deed: makeGrant,
  },
  {
    method: 'GET',
    path: '/v1/grants',
    says: 'The live grants: all of them for the owner, their own for others.',
    answers: { 200: { says: 'As hasp grants --json has them.', schema: schemas.GRANTS_SCHEMA } },
    deed: listGrants,
  },
  {
    method: 'DELETE',
    path: '/v1/grants/{id}',
    says: 'Ends a grant now, and what has it.',
    answers: {
      200: { says: 'Ended, and on record.', schema: schemas.REVOKED_SCHEMA },
      404: { says: 'No such grant is live, or it is another’s.', schema: schemas.FAILURE },
    },
    deed: endGrant,
  },
  {
    method: 'GET',
    path: '/v1/sessions',
    says: 'The live sessions of agents.',
    isOwners: true,
    answers: {
      200: { says: 'As hasp session list --json has them.', schema: schemas.SESSIONS_SCHEMA },
      403: { says: 'For the owner alone.', schema: schemas.FAILURE },
    },
    deed: (_, api) => listSessions(api),
  },
  {
    method: 'DELETE',
    path: '/v1/sessions/{id}',
    says: 'Ends a session, with its grants and its trees.',
    isOwners: true,
    answers: {
      200: { says: 'Ended.', schema: schemas.ENDED_SCHEMA },
      403: { says: 'For the owner alone.', schema: schemas.FAILURE },
      404: { says: 'No such session is live.', schema: schemas.FAILURE },
    },
    deed: endSession,
  },
  {
    method: 'POST',
    path: '/v1/scan',
    says: 'Which values stand in a text or in any bytes, and where. Names them, and never shows one.',
    takes: { type: 'application/octet-stream', schema: schemas.BYTES_SCHEMA },
    answers: { 200: { says: 'The first place of each.', schema: schemas.FINDINGS_SCHEMA } },
    deed: scan,
  },
  {
    method: 'GET',
    path: '/metrics',
    says: 'Counts and times, for Prometheus.',
    answers: { 200: { says: 'In its text format.', type: 'text/plain' } },
    deed: (_, api) => metricsPage(api),
  },
  {
    method: 'GET',
    path: '/livez',
    says: 'That it lives.',
    answers: { 200: { says: 'It does.', schema: schemas.LIVE_SCHEMA } },
    deed: () => live(),
  },
  {
    method: 'GET',
    path: '/readyz',
    says: 'Whether a value can be had: by named checks.',
    answers: {
      200: { says: 'All hold.', schema: schemas.READY_SCHEMA },
      503: { says: 'Some do not.', schema: schemas.READY_SCHEMA },
    },
    deed: (_, api) => ready(api),
  },
  {
    method: 'GET',
    path: '/openapi.json',
    says: 'This document.',
    answers: { 200: { says: 'OpenAPI 3.1.', schema: { type: 'object' } } },
    deed: () => ({ status: 200, json: openApi(ROUTES) }),
  },
];
