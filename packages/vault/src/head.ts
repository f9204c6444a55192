import type { Random } from '@hasp/core';
import { uint32 } from './encoding.ts';
import { corrupt } from './failures.ts';

export const SECRET_ID_BYTES = 16;
const NAME_BYTES = 255;
const FIXED_BYTES = 2 + NAME_BYTES + SECRET_ID_BYTES + 4 + 4;
const VERSION_BYTES = 4 + 2 + 6;
const PLACEHOLDER = 1;

export interface VersionFact {
  /** From 1. */
  readonly version: number;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** A person has said that this value is no secret: it is not looked for. */
  readonly placeholder?: true;
}

/** What the vault knows of one secret, without its values. */
export interface Head {
  readonly name: string;
  /** Random, of this life of the name: a version kept from before a removal belongs to no later one. */
  readonly secretId: Buffer;
  /** The number that the next version gets; numbers of removed versions are not used again. */
  readonly next: number;
  /** Those there are, oldest first. */
  readonly versions: readonly VersionFact[];
}

/**
 * name length (2 bytes) ‖ name, zeros up to 255 ‖ secret id (16) ‖ next (4) ‖ count (4) ‖ count × (version
 * (4) ‖ flags (2) ‖ created at (6)); numbers big endian. Its length tells how many versions there are and nothing else.
 */
export function encodeHead(head: Head): Buffer {
  const name = Buffer.from(head.name, 'utf8');
  if (name.length > NAME_BYTES) throw new Error('the name is too long');
  const field = Buffer.alloc(2 + NAME_BYTES);
  field.writeUInt16BE(name.length);
  name.copy(field, 2);
  const versions = head.versions.map(encodeVersion);
  return Buffer.concat([field, head.secretId, uint32(head.next), uint32(head.versions.length), ...versions]);
}

/** @throws HaspError E_VAULT_CORRUPT */
export function decodeHead(bytes: Buffer): Head {
  if (bytes.length < FIXED_BYTES) throw corrupt('an entry is cut short');
  const nameLength = bytes.readUInt16BE(0);
  const count = bytes.readUInt32BE(FIXED_BYTES - 4);
  if (nameLength > NAME_BYTES || bytes.length !== FIXED_BYTES + count * VERSION_BYTES) {
    throw corrupt('an entry has a wrong length');
  }
  const idAt = 2 + NAME_BYTES;
  const versions = Array.from({ length: count }, (_, index) => {
    return decodeVersion(bytes, FIXED_BYTES + index * VERSION_BYTES);
  });
  return {
    name: bytes.toString('utf8', 2, 2 + nameLength),
    secretId: Buffer.from(bytes.subarray(idAt, idAt + SECRET_ID_BYTES)),
    next: bytes.readUInt32BE(idAt + SECRET_ID_BYTES),
    versions,
  };
}

/** Of a name that begins a life; it has no version yet. */
export function newHead(name: string, random: Random): Head {
  return { name, secretId: Buffer.from(random(SECRET_ID_BYTES)), next: 1, versions: [] };
}

export function newest(head: Head): VersionFact {
  const last = head.versions.at(-1);
  if (!last) throw new Error('a secret has at least one version');
  return last;
}

export function marked({ version, createdAt }: VersionFact, placeholder: boolean): VersionFact {
  return placeholder ? { version, createdAt, placeholder } : { version, createdAt };
}

/** Under which the scopes of a secret stand: they stay with it under another name, and are not of a later life of its own. */
export function scopesName({ secretId }: Head): string {
  return secretId.toString('hex');
}

function encodeVersion({ version, createdAt, placeholder }: VersionFact): Buffer {
  const bytes = Buffer.alloc(VERSION_BYTES);
  bytes.writeUInt32BE(version);
  bytes.writeUInt16BE(placeholder ? PLACEHOLDER : 0, 4);
  bytes.writeUIntBE(createdAt, 6, 6);
  return bytes;
}

function decodeVersion(bytes: Buffer, at: number): VersionFact {
  const fact = { version: bytes.readUInt32BE(at), createdAt: bytes.readUIntBE(at + 6, 6) };
  const flags = bytes.readUInt16BE(at + 4);
  if (flags > PLACEHOLDER) throw corrupt('an entry says what this hasp does not know');
  return flags === PLACEHOLDER ? { ...fact, placeholder: true } : fact;
}
