import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { type Agent, Agents } from './agents.ts';
import type { Consent } from './consent.ts';
import type { KeySource } from './key-source.ts';
import type { ListedSecret, ListedVersion } from './listing.ts';
import { openVault } from './open.ts';
import { type SecretScopes, scopesOf } from './scopes.ts';
import { codeOf, withHome } from './scratch.ts';

/** Fields that a vault made before them says nothing of. */
const BEFORE = { placeholder: false };

/** A vault of each format that was ever released, and what it holds. They are added to, never changed. */
interface Released {
  readonly vaults: readonly {
    keySource: KeySource;
    key: string;
    id: string;
    chain: string;
    auditKey: string;
    list: ListedSecret[];
    history: ListedVersion[];
    consent: Consent;
    mark: { chain: string; seq: number; mac: string };
    values: { name: string; version: number; value: string }[];
    /** From here on they are where the format had them by then. */
    agents?: Agent[];
    scopes?: SecretScopes;
    gzip: string;
  }[];
}

const { vaults } = JSON.parse(
  readFileSync(new URL('../../../test/vectors/vault.json', import.meta.url), 'utf8'),
) as Released;

it.each(vaults)('a vault with a $keySource, made by format 1, opens and can be changed: $id', (one) =>
  withHome(async (home) => {
    writeFileSync(home.vault, gunzipSync(Buffer.from(one.gzip, 'base64')), { mode: 0o600 });
    const vault = await openVault(home, { source: one.keySource, bytes: Buffer.from(one.key, 'hex') });
    expect(vault.id).toBe(one.id);
    expect(vault.chain()).toBe(one.chain);
    expect(Buffer.from(vault.auditKey()).toString('hex')).toBe(one.auditKey);
    expect(vault.list()).toEqual(one.list.map((each) => ({ ...BEFORE, ...each })));
    expect(vault.history('db/url')).toEqual(one.history.map((each) => ({ ...BEFORE, ...each })));
    expect(vault.consent('/work/web')).toEqual(one.consent);
    expect(vault.mark()).toEqual(one.mark);
    for (const { name, version, value } of one.values) {
      expect(Buffer.from(vault.get({ name, version }).value.reveal()).toString('hex')).toBe(value);
    }
    expect(new Agents(vault, { random: randomBytes, clock: Date.now }).list()).toEqual(one.agents ?? []);
    expect(scopesOf(vault, 'db/url')).toEqual(one.scopes);
    expect(await codeOf(() => vault.get({ name: 'db/url', version: 2 }))).toBe('E_SECRET_MISSING');
    expect(await vault.set('db/url', Buffer.from('four'))).toBe(4);
    vault.close();
  }),
);
