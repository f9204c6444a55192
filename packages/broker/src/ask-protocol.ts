import {
  ERROR_CODES,
  type ErrorCode,
  HaspError,
  isReference,
  parseReference,
  parseVersionedName,
  type Reference,
} from '@hasp/core';

/** A request and its newline; longer ones are refused unread. */
export const MAX_REQUEST_BYTES = 4_096;
/** An answer and its newline: a value of 1 MiB in base64, and what stands around it. */
export const MAX_ANSWER_BYTES = 2 * 1024 * 1024;
export const NEWLINE = 0x0a;

/** `{"v":1,"get":"NAME"}`; NAME may be `NAME@N` or a reference. @throws HaspError E_USAGE, E_NAME_INVALID, E_REFERENCE_INVALID */
export function parseRequest(line: Uint8Array): Reference {
  const request = readObject(line);
  if (request?.['v'] !== 1 || typeof request['get'] !== 'string') {
    throw new HaspError('E_USAGE', 'not a request', 'one line: {"v":1,"get":"NAME"}');
  }
  return parseAsked(request['get']);
}

/** As `--ask` and `hasp get` take it: `NAME`, `NAME@N` or `hasp://…`. @throws HaspError E_NAME_INVALID, E_REFERENCE_INVALID */
export function parseAsked(text: string): Reference {
  return isReference(text) ? parseReference(text) : parseVersionedName(text);
}

export function formatRequest(name: string): string {
  return `${JSON.stringify({ v: 1, get: name })}\n`;
}

const BEFORE = Buffer.from('{"v":1,"value":"');
const AFTER = Buffer.from('"}\n');

/** The value's bytes are the caller's to wipe, and so is what is returned: no string is made of them. */
export function formatValue(value: Uint8Array): Buffer {
  return Buffer.concat([BEFORE, base64(value), AFTER]);
}

export function formatRefusal({ code, message }: HaspError): Buffer {
  return Buffer.from(`${JSON.stringify({ v: 1, error: { code, message } })}\n`);
}

/** @throws HaspError what the other side refused with, E_BROKER_UNREACHABLE where it said nothing of use. */
export function parseAnswer(line: Uint8Array): Buffer {
  const answer = readObject(line);
  if (answer?.['v'] === 1 && typeof answer['value'] === 'string') return Buffer.from(answer['value'], 'base64');
  const error =
    answer?.['v'] === 1 ? (answer['error'] as { code?: unknown; message?: unknown } | undefined) : undefined;
  const code = ERROR_CODES.find((known) => known === error?.code) as ErrorCode | undefined;
  if (code !== undefined && typeof error?.message === 'string') throw new HaspError(code, error.message, HINTS[code]);
  throw new HaspError(
    'E_BROKER_UNREACHABLE',
    'the run gave no answer that can be read',
    'try again, or see hasp grants',
  );
}

const HINTS: { readonly [code in ErrorCode]?: string } = {
  E_NOT_IN_TREE: 'only processes below that hasp run are served; with --scope root only its command itself',
  E_PEER_UNKNOWN: 'the process that connected must be the one that asks, and must live',
  E_VAULT_LOCKED: 'let a person unlock it, then ask again: hasp unlock',
  E_GRANT_MISSING: 'name it when the run starts: hasp run --ask NAME -- COMMAND; see also hasp grants',
};

function readObject(line: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(line.buffer, line.byteOffset, line.length).toString('utf8'));
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

const DIGITS = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');
const PAD = 0x3d;

/** RFC 4648, section 4, into bytes: Node's own makes a string, which can't be wiped. */
function base64(bytes: Uint8Array): Buffer {
  const text = Buffer.alloc(Math.ceil(bytes.length / 3) * 4, PAD);
  const digit = (bits: number): number => DIGITS[bits & 63] ?? PAD;
  for (let from = 0, to = 0; from < bytes.length; from += 3, to += 4) {
    const left = bytes.length - from;
    const group = ((bytes[from] ?? 0) << 16) | ((bytes[from + 1] ?? 0) << 8) | (bytes[from + 2] ?? 0);
    text[to] = digit(group >> 18);
    text[to + 1] = digit(group >> 12);
    if (left > 1) text[to + 2] = digit(group >> 6);
    if (left > 2) text[to + 3] = digit(group);
  }
  return text;
}
