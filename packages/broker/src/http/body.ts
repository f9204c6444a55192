import type { IncomingMessage } from 'node:http';
import { type JsonNode, JsonProblem, parseStrictJson } from '@hasp/core';
import { refusal } from './reply.ts';

const MAX_BODY_BYTES = 64 * 1024;
/** So much more is read and thrown away, so that who sends it reads why. */
const MOST_DRAINED_BYTES = 4 * 1024 * 1024;
const DRAIN_MS = 3_000;

/** The whole body. @throws Refusal 413, or 400 where it ends before its end */
export function readBody(request: IncomingMessage): Promise<Buffer> {
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > MAX_BODY_BYTES) return Promise.reject(tooLarge());
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const take = (chunk: Buffer): void => {
      size += chunk.length;
      if (size <= MAX_BODY_BYTES) chunks.push(chunk);
      else {
        request.off('data', take);
        chunks.length = 0;
        reject(tooLarge());
      }
    };
    request.on('data', take);
    request.once('end', () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)));
    const fail = (): void => {
      if (!request.complete) reject(refusal(400, 'E_USAGE', 'the body ended before its end', { closes: true }));
    };
    request.once('close', fail);
    request.once('error', fail);
  });
}

function tooLarge() {
  return refusal(413, 'E_USAGE', 'more than 64 KiB', { closes: true });
}

/** Reads on what nobody wants, to its end or to a bound: who is cut off while it sends never reads the answer. */
export function drain(request: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, DRAIN_MS).unref();
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > MOST_DRAINED_BYTES) resolve();
    });
    for (const event of ['end', 'close', 'error'] as const) {
      request.once(event, () => {
        clearTimeout(timer);
        resolve();
      });
    }
  });
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Members by name. @throws Refusal 400 for what is no object of strict JSON */
export function readObject(body: Buffer): ReadonlyMap<string, JsonNode> {
  let text: string;
  try {
    text = UTF8.decode(body);
  } catch {
    throw refusal(400, 'E_USAGE', 'the body is not UTF-8');
  }
  try {
    const node = parseStrictJson(text);
    if (node.kind !== 'object') throw new JsonProblem('expected an object', node.at);
    return new Map([...node.members].map(([name, { value }]) => [name, value]));
  } catch (error) {
    // The name of a duplicate member is the sender's own, and may be what nobody should read.
    if (error instanceof JsonProblem)
      throw refusal(400, 'E_USAGE', `the body is not as it should be at offset ${error.at}: ${withoutQuotes(error)}`);
    throw error;
  }
}

function withoutQuotes({ message }: JsonProblem): string {
  return message.startsWith('duplicate key') ? 'duplicate key' : message;
}

/** Undefined where it is absent. @throws Refusal 400 */
export function textMember(members: ReadonlyMap<string, JsonNode>, name: string, most: number): string | undefined {
  const node = members.get(name);
  if (node === undefined) return undefined;
  if (node.kind !== 'string') throw refusal(400, 'E_USAGE', `${name} has to be a text`);
  const { value } = node;
  if (value.length > most || /\p{Surrogate}/u.test(value))
    throw refusal(400, 'E_USAGE', `${name} is too long, or not Unicode`);
  return value;
}

/** @throws Refusal 400 */
export function requiredText(members: ReadonlyMap<string, JsonNode>, name: string, most: number): string {
  const value = textMember(members, name, most);
  if (value === undefined || value === '') throw refusal(400, 'E_USAGE', `${name} is missing`);
  return value;
}
