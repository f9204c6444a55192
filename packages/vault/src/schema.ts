import { APPLICATION_ID, type Database } from './database.ts';

/**
 * Migration N takes a vault of user_version N to N + 1. Released ones are never changed: append, and freeze
 * a fixture of what came before.
 */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE header (
     one INTEGER PRIMARY KEY CHECK (one = 1),
     format INTEGER NOT NULL,
     vault_id BLOB NOT NULL,
     key_source TEXT NOT NULL,
     default_key_file INTEGER NOT NULL,
     argon2_memory_kib INTEGER NOT NULL,
     argon2_passes INTEGER NOT NULL,
     argon2_lanes INTEGER NOT NULL,
     argon2_salt BLOB NOT NULL,
     root BLOB NOT NULL,
     checksum BLOB NOT NULL
   ) STRICT;
   CREATE TABLE buckets (
     bucket INTEGER PRIMARY KEY,
     sealed BLOB NOT NULL
   ) STRICT;
   CREATE TABLE summary (
     one INTEGER PRIMARY KEY CHECK (one = 1),
     stamps BLOB NOT NULL,
     mac BLOB NOT NULL
   ) STRICT;
   CREATE TABLE versions (
     secret BLOB NOT NULL,
     version INTEGER NOT NULL,
     sealed BLOB NOT NULL,
     UNIQUE (secret, version)
   ) STRICT;
   CREATE TABLE mark (
     one INTEGER PRIMARY KEY CHECK (one = 1),
     chain BLOB NOT NULL,
     seq INTEGER NOT NULL,
     record_mac BLOB NOT NULL,
     mac BLOB NOT NULL
   ) STRICT;`,
];

export const SCHEMA_VERSION = MIGRATIONS.length;

/** Brings an empty or an older file to the present schema. Call within a transaction. */
export function migrate(database: Database, from: number): void {
  for (const statements of MIGRATIONS.slice(from)) database.exec(statements);
  database.exec(`PRAGMA application_id=${APPLICATION_ID};PRAGMA user_version=${SCHEMA_VERSION}`);
}
