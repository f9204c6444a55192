import type { AuditMark } from '@hasp/core';
import type { Entry } from '../bucket.ts';
import { uint32 } from '../encoding.ts';
import { KIND_NUMBER } from '../entries.ts';
import { SECRET_ID_BYTES } from '../head.ts';
import { backupCorrupt } from './failures.ts';
import type { SealedReader, SealedWriter } from './stream.ts';

/** What the body of a backup begins with. */
export interface BodyFacts {
  /** RFC 3339. */
  readonly madeAt: string;
  /** The end of the audit log as it was then; null where there was no record. */
  readonly head: AuditMark | null;
  readonly entries: number;
  readonly versions: number;
}

/** One row of `versions`: as it stands there. */
export interface SealedVersion {
  readonly secretId: Buffer;
  readonly version: number;
  readonly sealed: Buffer;
}

const LOOKUP_BYTES = 32;
/** Far above what a version of 64 MiB or a fact can take. */
const MOST_BYTES = 128 * 1024 * 1024;

/** An item is its length (4 bytes, big endian) and its bytes: first the facts as JSON, then the entries, then the versions. */
export function putFacts(writer: SealedWriter, facts: BodyFacts): void {
  put(writer, Buffer.from(JSON.stringify(facts), 'utf8'));
}

/** lookup (32) ‖ kind (4) ‖ text. */
export function putEntry(writer: SealedWriter, { lookup, kind, text }: Entry): void {
  put(writer, lookup, uint32(kind), text);
}

/** secret id (16) ‖ version (4) ‖ sealed. */
export function putVersion(writer: SealedWriter, { secretId, version, sealed }: SealedVersion): void {
  put(writer, secretId, uint32(version), sealed);
}

export function takeFacts(reader: SealedReader): BodyFacts {
  const facts = JSON.parse(takeItem(reader, 0).toString('utf8')) as BodyFacts;
  const { head, entries, versions } = facts;
  const counted = Number.isSafeInteger(entries) && Number.isSafeInteger(versions);
  if (!counted || (head !== null && !isMark(head))) throw backupCorrupt('what it says of itself can not be read');
  return facts;
}

export function takeEntry(reader: SealedReader): Entry {
  const item = takeItem(reader, LOOKUP_BYTES + 4);
  const kind = item.readUInt32BE(LOOKUP_BYTES);
  if (kind === KIND_NUMBER.consent) throw backupCorrupt('it holds a consent, which is of one machine');
  return { lookup: item.subarray(0, LOOKUP_BYTES), kind, text: item.subarray(LOOKUP_BYTES + 4) };
}

export function takeVersion(reader: SealedReader): SealedVersion {
  const item = takeItem(reader, SECRET_ID_BYTES + 4);
  return {
    secretId: item.subarray(0, SECRET_ID_BYTES),
    version: item.readUInt32BE(SECRET_ID_BYTES),
    sealed: item.subarray(SECRET_ID_BYTES + 4),
  };
}

function put(writer: SealedWriter, ...parts: readonly Uint8Array[]): void {
  writer.push(uint32(parts.reduce((sum, { length }) => sum + length, 0)));
  for (const part of parts) writer.push(part);
}

function takeItem(reader: SealedReader, least: number): Buffer {
  const length = reader.take(4).readUInt32BE();
  if (length < least || length > MOST_BYTES) throw backupCorrupt('a part of it has a wrong length');
  return reader.take(length);
}

function isMark({ chain, seq, mac }: AuditMark): boolean {
  return /^[0-9a-f]{32}$/.test(chain) && Number.isSafeInteger(seq) && seq > 0 && /^[0-9a-f]{64}$/.test(mac);
}
