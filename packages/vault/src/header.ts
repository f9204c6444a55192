import { createHash } from 'node:crypto';
import { APPLICATION_ID, bytesOf, type Database, numberOf } from './database.ts';
import { frame } from './encoding.ts';
import { corrupt } from './failures.ts';
import { KEY_SOURCES, type KeySource, type StretchCost, withinBounds } from './key-source.ts';
import { migrate, SCHEMA_VERSION } from './schema.ts';

const FORMAT = 1;
export const ID_BYTES = 16;
export const ARGON2_SALT_BYTES = 16;
const SEALED_ROOT_BYTES = 80;

/** What stands in clear: enough to know which key to ask for, and the root key sealed with it. */
export interface Header {
  readonly vaultId: Buffer;
  readonly keySource: KeySource;
  readonly defaultKeyFile: boolean;
  /** All 0 where the key is no passphrase. */
  readonly stretch: StretchCost;
  /** 16 bytes, or none where the key is no passphrase. */
  readonly stretchSalt: Buffer;
  readonly sealedRoot: Buffer;
}

/** The context that the root key is sealed in: every other field of the header. */
export function rootContext(header: Omit<Header, 'sealedRoot'>): Buffer {
  return frame(
    'hasp vault 1 root',
    FORMAT,
    header.vaultId,
    header.keySource,
    header.defaultKeyFile ? 1 : 0,
    header.stretch.memoryKiB,
    header.stretch.passes,
    header.stretch.lanes,
    header.stretchSalt,
  );
}

/** Without a key, so that damage can be told from a wrong key. It proves nothing against an attacker. */
export function headerChecksum(header: Header): Buffer {
  return createHash('sha256')
    .update(frame('hasp vault 1 header', rootContext(header), header.sealedRoot))
    .digest();
}

const SELECT = `SELECT format, vault_id, key_source, default_key_file, argon2_memory_kib, argon2_passes, argon2_lanes,
  argon2_salt, root, checksum, (SELECT application_id FROM pragma_application_id) AS application_id,
  (SELECT user_version FROM pragma_user_version) AS user_version FROM header WHERE one = 1`;

/** @throws HaspError E_VAULT_CORRUPT */
export function readHeader(database: Database): Header {
  const row = database.row(SELECT);
  if (!row) throw corrupt('it has no header');
  if (row['application_id'] !== APPLICATION_ID) throw corrupt('it is not a vault');
  const schema = numberOf(row, 'user_version');
  if (schema > SCHEMA_VERSION || row['format'] !== FORMAT)
    throw corrupt('its format is unknown to this version of hasp');
  const keySource = KEY_SOURCES.find((known) => known === row['key_source']);
  if (keySource === undefined) throw corrupt('its key source is unknown');
  const header: Header = {
    vaultId: bytesOf(row, 'vault_id', ID_BYTES),
    keySource,
    defaultKeyFile: row['default_key_file'] === 1,
    stretch: {
      memoryKiB: numberOf(row, 'argon2_memory_kib'),
      passes: numberOf(row, 'argon2_passes'),
      lanes: numberOf(row, 'argon2_lanes'),
    },
    stretchSalt: bytesOf(row, 'argon2_salt', keySource === 'passphrase' ? ARGON2_SALT_BYTES : 0),
    sealedRoot: bytesOf(row, 'root', SEALED_ROOT_BYTES),
  };
  if (!headerChecksum(header).equals(bytesOf(row, 'checksum'))) throw corrupt('its header has changed');
  if (keySource === 'passphrase' && !withinBounds(header.stretch))
    throw corrupt('its Argon2 parameters are out of bounds');
  if (schema < SCHEMA_VERSION) database.transaction(() => migrate(database, schema));
  return header;
}

const INSERT = `INSERT INTO header (one, format, vault_id, key_source, default_key_file, argon2_memory_kib, argon2_passes,
  argon2_lanes, argon2_salt, root, checksum) VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

export function writeHeader(database: Database, header: Header): void {
  const { vaultId, keySource, stretch, stretchSalt, sealedRoot } = header;
  database.run(
    INSERT,
    FORMAT,
    vaultId,
    keySource,
    header.defaultKeyFile ? 1 : 0,
    stretch.memoryKiB,
    stretch.passes,
    stretch.lanes,
    stretchSalt,
    sealedRoot,
    headerChecksum(header),
  );
}

/** In the place of the one there is. Call within `transaction`. */
export function replaceHeader(database: Database, header: Header): void {
  database.run('DELETE FROM header');
  writeHeader(database, header);
}
