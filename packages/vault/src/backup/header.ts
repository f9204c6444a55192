import { createHash } from 'node:crypto';
import { HaspError } from '@hasp/core';
import { frame, uint32 } from '../encoding.ts';
import type { Header } from '../header.ts';
import { type KeySource, withinBounds } from '../key-source.ts';
import { backupCorrupt } from './failures.ts';

/**
 * The first 208 bytes of a backup, in clear; numbers big endian:
 *
 *   0   12  "hasp backup" LF
 *  12    4  format, 1
 *  16   16  vault id
 *  32    1  key source: 0 passphrase, 1 key file
 *  33    1  1 if the key is vault.key in the home, else 0
 *  34    2  zero
 *  36   12  Argon2id: memory in KiB, passes, lanes (4 each); zero where the key is no passphrase
 *  48   16  Argon2id: salt; zero where the key is no passphrase
 *  64   80  the root key, sealed as in the header of a vault
 * 144   32  salt of the stream's key
 * 176   32  SHA-256 of frame("hasp backup 1 header", the 176 bytes before)
 */
export const BACKUP_HEADER_BYTES = 208;
export const MAGIC = Buffer.from('hasp backup\n', 'latin1');
const FORMAT = 1;
const CHECKED = 176;
/** By their number. A key in the keyring of one machine opens nothing on another. */
const SOURCES: readonly KeySource[] = ['passphrase', 'key-file'];

export interface BackupHeader extends Header {
  readonly streamSalt: Buffer;
}

export function encodeBackupHeader(header: BackupHeader): Buffer {
  const { vaultId, defaultKeyFile, stretch, stretchSalt, sealedRoot, streamSalt } = header;
  const source = SOURCES.indexOf(header.keySource);
  if (source < 0) throw new Error('a backup does not open with the keyring of one machine');
  const bytes = Buffer.alloc(BACKUP_HEADER_BYTES);
  MAGIC.copy(bytes);
  bytes.writeUInt32BE(FORMAT, 12);
  bytes.set(vaultId, 16);
  bytes.writeUInt8(source, 32);
  bytes.writeUInt8(defaultKeyFile ? 1 : 0, 33);
  bytes.set(
    [stretch.memoryKiB, stretch.passes, stretch.lanes].flatMap((number) => [...uint32(number)]),
    36,
  );
  bytes.set(stretchSalt, 48);
  bytes.set(sealedRoot, 64);
  bytes.set(streamSalt, 144);
  bytes.set(checksum(bytes), CHECKED);
  return bytes;
}

/** @throws HaspError E_USAGE where this is no backup, E_VAULT_CORRUPT */
export function decodeBackupHeader(bytes: Buffer): BackupHeader {
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) throw noBackup();
  if (bytes.length >= 16 && bytes.readUInt32BE(12) !== FORMAT) {
    throw new HaspError(
      'E_VAULT_CORRUPT',
      'the format of the backup is unknown to this version of hasp',
      'restore it with the version that made it, or a newer one',
    );
  }
  if (bytes.length < BACKUP_HEADER_BYTES) throw backupCorrupt('it is cut short');
  if (!checksum(bytes).equals(bytes.subarray(CHECKED, BACKUP_HEADER_BYTES)))
    throw backupCorrupt('its header has changed');
  const keySource = SOURCES[bytes.readUInt8(32)];
  const defaultKeyFile = bytes.readUInt8(33);
  if (keySource === undefined || defaultKeyFile > 1 || bytes.readUInt16BE(34) !== 0) {
    throw backupCorrupt('its header says what this hasp does not know');
  }
  const stretched = keySource === 'passphrase';
  const stretch = { memoryKiB: bytes.readUInt32BE(36), passes: bytes.readUInt32BE(40), lanes: bytes.readUInt32BE(44) };
  if (stretched && !withinBounds(stretch)) throw backupCorrupt('its Argon2 parameters are out of bounds');
  if (!stretched && !bytes.subarray(36, 64).equals(Buffer.alloc(28))) throw backupCorrupt('its header has changed');
  return {
    vaultId: slice(bytes, 16, 32),
    keySource,
    defaultKeyFile: defaultKeyFile === 1,
    stretch,
    stretchSalt: stretched ? slice(bytes, 48, 64) : Buffer.alloc(0),
    sealedRoot: slice(bytes, 64, 144),
    streamSalt: slice(bytes, 144, CHECKED),
  };
}

function noBackup(): HaspError {
  return new HaspError('E_USAGE', 'that file is no backup', 'name one that hasp vault backup made');
}

function slice(bytes: Buffer, from: number, to: number): Buffer {
  return Buffer.from(bytes.subarray(from, to));
}

function checksum(bytes: Buffer): Buffer {
  return createHash('sha256')
    .update(frame('hasp backup 1 header', bytes.subarray(0, CHECKED)))
    .digest();
}
