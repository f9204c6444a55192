import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { stretch } from './argon2.ts';
import { Database } from './database.ts';
import { frame, pad } from './encoding.ts';
import { Entries } from './entries.ts';
import { nodeCipher, seal, unseal } from './envelope.ts';
import { decodeHead, encodeHead } from './head.ts';
import { headerChecksum, rootContext } from './header.ts';
import type { KeySource } from './key-source.ts';
import { deriveAuditKey, deriveSubkey, Keys, type Purpose } from './keys.ts';
import { MarkRow } from './mark.ts';
import { withVault } from './scratch.ts';
import { valueContext } from './versions.ts';

// Frozen: made once by another implementation (Python, hmac and OpenSSL). They change with the format only.

interface Vectors {
  readonly frame: readonly { fields: (string | number)[]; hex: string }[];
  readonly pad: readonly { bytes: string; padded: string }[];
  readonly rootKey: string;
  readonly subkeys: Readonly<Record<Purpose, string>>;
  readonly auditKey: { chain: string; key: string };
  readonly argon2id: {
    passphrase: string;
    salt: string;
    memoryKiB: number;
    passes: number;
    lanes: number;
    key: string;
  };
  readonly headers: readonly {
    vaultId: string;
    keySource: KeySource;
    defaultKeyFile: boolean;
    memoryKiB: number;
    passes: number;
    lanes: number;
    argon2Salt: string;
    wrapping: string;
    rootSalt: string;
    context: string;
    root: string;
    checksum: string;
  }[];
  readonly value: {
    secretId: string;
    name: string;
    version: number;
    value: string;
    context: string;
    salt: string;
    sealed: string;
  };
  readonly head: {
    name: string;
    secretId: string;
    next: number;
    versions: { version: number; createdAt: number }[];
    bytes: string;
  };
  readonly bucket: { name: string; lookup: string; context: string; salt: string; sealed: string };
  readonly summary: { stampsBucket: number; stamp: string; mac: string };
  readonly mark: { chain: string; seq: number; recordMac: string; mac: string };
}

const vectors = JSON.parse(
  readFileSync(new URL('../../../test/vectors/vault.json', import.meta.url), 'utf8'),
) as Vectors;
const bytes = (hex: string) => Buffer.from(hex, 'hex');
const root = bytes(vectors.rootKey);
const vaultId = bytes(vectors.headers[0]?.vaultId ?? '');
const subkey = (purpose: Purpose) => deriveSubkey(root, vaultId, purpose);

it('frames and padding', () => {
  for (const { fields, hex } of vectors.frame) expect(frame(...fields).toString('hex')).toBe(hex);
  for (const one of vectors.pad) expect(pad(bytes(one.bytes)).toString('hex')).toBe(one.padded);
});

it('subkeys and the audit chain’s first key', () => {
  const names = Object.keys(vectors.subkeys) as Purpose[];
  for (const purpose of names) expect(subkey(purpose).toString('hex')).toBe(vectors.subkeys[purpose]);
  const { chain, key } = vectors.auditKey;
  expect(deriveAuditKey(subkey('audit'), bytes(chain)).toString('hex')).toBe(key);
});

it('a passphrase, stretched', async () => {
  const { passphrase, salt, key, ...cost } = vectors.argon2id;
  expect((await stretch(Buffer.from(passphrase), bytes(salt), cost)).toString('hex')).toBe(key);
});

it('headers: the root key sealed with a key file, with a passphrase and with a key of the keyring', () => {
  for (const one of vectors.headers) {
    const { memoryKiB, passes, lanes, keySource, defaultKeyFile } = one;
    const stretchSalt = bytes(one.argon2Salt);
    const clear = { vaultId, keySource, defaultKeyFile, stretch: { memoryKiB, passes, lanes }, stretchSalt };
    expect(rootContext(clear).toString('hex')).toBe(one.context);
    const sealedRoot = seal(nodeCipher, bytes(one.wrapping), bytes(one.rootSalt), rootContext(clear), root);
    expect(sealedRoot.toString('hex')).toBe(one.root);
    expect(headerChecksum({ ...clear, sealedRoot }).toString('hex')).toBe(one.checksum);
  }
});

it('a sealed value', () => {
  const { name, secretId, version, value, salt, sealed } = vectors.value;
  const context = valueContext(vaultId, { name, secretId: bytes(secretId) }, version);
  expect(context.toString('hex')).toBe(vectors.value.context);
  expect(seal(nodeCipher, subkey('values'), bytes(salt), context, pad(bytes(value))).toString('hex')).toBe(sealed);
  expect(unseal(subkey('values'), bytes(sealed), context)?.equals(pad(bytes(value)))).toBe(true);
});

it('what is known of a secret, its bucket, and the summary', () =>
  withVault((_vault, home) => {
    const { bytes: encoded, ...head } = vectors.head;
    const text = encodeHead({ ...head, secretId: bytes(head.secretId) });
    expect(text.toString('hex')).toBe(encoded);
    expect(decodeHead(text).versions).toEqual(head.versions);
    const database = new Database(home.vault);
    database.exec('DELETE FROM summary');
    const entries = new Entries(database, new Keys(Buffer.from(root), vaultId));
    entries.initialize();
    database.transaction(() => entries.put('secret', vectors.bucket.name, text, () => bytes(vectors.bucket.salt)));
    expect(database.rows('SELECT bucket, hex(sealed) AS sealed FROM buckets')).toEqual([
      { bucket: vectors.summary.stampsBucket, sealed: vectors.bucket.sealed.toUpperCase() },
    ]);
    expect(database.row('SELECT hex(mac) AS mac FROM summary')).toEqual({ mac: vectors.summary.mac.toUpperCase() });
    database.close();
  }));

it('an audit mark', () =>
  withVault((_vault, home) => {
    const { chain, seq, recordMac, mac } = vectors.mark;
    const database = new Database(home.vault);
    database.exec('DELETE FROM mark');
    const row = new MarkRow(database, new Keys(Buffer.from(root), vaultId));
    row.initialize(bytes(chain));
    database.transaction(() => row.advance({ chain, seq, mac: recordMac }));
    expect(database.row('SELECT hex(mac) AS mac FROM mark')).toEqual({ mac: mac.toUpperCase() });
    database.close();
  }));
