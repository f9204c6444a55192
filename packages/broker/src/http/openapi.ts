import type { Route, Schema } from './route.ts';
import { FAILURE } from './schemas.ts';

/** What any route may answer besides its own. */
const COMMON: Readonly<Record<number, string>> = {
  400: 'Not strict JSON, a duplicate member, a wrong type, or not one Host header.',
  401: 'No token that holds.',
  403: 'The Host or Origin header is another’s, or who asks may not.',
  408: 'It came too slowly.',
  413: 'More than 64 KiB.',
  417: 'Something else than 100-continue was expected.',
  429: 'Too many requests: come again after Retry-After.',
  431: 'More than 16 KiB of headers.',
  503: 'The audit log can not be written, the vault is locked, or the broker stops: come again after Retry-After.',
};

/** The document of the table, in OpenAPI 3.1. */
export function openApi(routes: readonly Route[]): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes)
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(route) };
  return {
    openapi: '3.1.0',
    info: {
      title: 'hasp broker',
      version: '1',
      description: 'The same on the unix socket and on TCP. Over TCP every request needs a token.',
    },
    servers: [{ url: 'http://127.0.0.1:19421' }],
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'Of the owner (broker.token), or of an agent.' },
      },
      schemas: { Failure: FAILURE },
    },
  };
}

function operation({ says, path, takes, answers }: Route): object {
  const failures = Object.entries(COMMON).map(([status, description]) => [
    status,
    { description, content: { 'application/json': { schema: { $ref: '#/components/schemas/Failure' } } } },
  ]);
  const own = Object.entries(answers).map(([status, answer]) => [
    status,
    { description: answer.says, content: content(answer.type ?? 'application/json', answer.schema) },
  ]);
  const id = { name: 'id', in: 'path', required: true, schema: { type: 'string' } };
  return {
    summary: says,
    ...(path.endsWith('{id}') ? { parameters: [id] } : {}),
    ...(takes === undefined ? {} : { requestBody: { required: true, content: content(takes.type, takes.schema) } }),
    responses: Object.fromEntries([...failures, ...own]),
  };
}

function content(type: string, schema: Schema | undefined): object {
  return { [type]: schema === undefined ? {} : { schema } };
}
