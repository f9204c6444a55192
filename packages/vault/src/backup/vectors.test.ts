import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import type { AuditMark } from '@hasp/core';
import { describe, expect, it } from 'vitest';
import { Agents } from '../agents.ts';
import type { KeySource } from '../key-source.ts';
import { Keys } from '../keys.ts';
import { openVault } from '../open.ts';
import { CHEAP, codeOf, withHome } from '../scratch.ts';
import { backUpVaultAt, deriveStreamKey } from './back-up.ts';
import { LockedBackup, type RestoreFacts } from './restore.ts';

// Frozen: made once by another implementation (Python), from the page of the format. They are added to, never changed.

interface Frozen {
  readonly backups: readonly {
    title: string;
    keySource: KeySource;
    key: string;
    defaultKeyFile: boolean;
    vault: string;
    rootKey: string;
    streamKey: string;
    chunks: number;
    head: AuditMark | null;
    agents: string[];
    values: { name: string; version: number; sha256: string; placeholder: boolean; createdAt: number }[];
    file: string;
  }[];
}

const { backups } = JSON.parse(
  readFileSync(new URL('../../../../test/vectors/backup.json', import.meta.url), 'utf8'),
) as Frozen;
const ports = { random: randomBytes, clock: Date.now };

describe.each(backups)('a backup $title, of format 1', (one) => {
  const key = { source: one.keySource, bytes: Buffer.from(one.key, 'hex') };
  const bytes = Buffer.from(one.file, 'base64');

  it('has the stream key of the vectors', () => {
    const keys = new Keys(Buffer.from(one.rootKey, 'hex'), Buffer.from(one.vault, 'hex'));
    expect(deriveStreamKey(keys, bytes.subarray(0, 208)).toString('hex')).toBe(one.streamKey);
    expect(Math.ceil((bytes.length - 208) / 65_552)).toBe(one.chunks);
  });

  it('opens, and is a vault with all that was in it, of which another backup is the same', () =>
    withHome(async (home) => {
      const file = `${home.root}/backup`;
      writeFileSync(file, bytes);
      const facts = await restore(file);
      expect(facts).toMatchObject({
        head: one.head ?? undefined,
        versions: one.values.length,
        agents: one.agents.length,
        sha256: createHash('sha256').update(bytes).digest('hex'),
      });
      const vault = await openVault(home, key, ports);
      const agents = new Agents(vault, ports).list().map(({ name }) => name);
      expect([vault.id, agents]).toEqual([one.vault, one.agents]);
      expect(vault.mark()).toBeUndefined();
      for (const { name, version, sha256, placeholder } of one.values) {
        const got = vault.get({ name, version });
        const found = createHash('sha256').update(got.value.reveal()).digest('hex');
        expect([name, version, found, got.placeholder]).toEqual([name, version, sha256, placeholder]);
      }
      const again = `${home.root}/again`;
      const options = { head: one.head ?? undefined, beforePublish: () => {} };
      const made = await backUpVaultAt(vault, again, options, CHEAP, 0);
      vault.close();
      expect(made.versions).toBe(one.values.length);
      await withHome(async (other) => expect(await restore(again, other)).toMatchObject({ versions: made.versions }));

      async function restore(from: string, into = home): Promise<RestoreFacts> {
        const locked = new LockedBackup(from);
        expect(locked.header).toEqual({ id: one.vault, keySource: one.keySource, defaultKeyFile: one.defaultKeyFile });
        await locked.unlock(key);
        const found = locked.restore(into, ports, { beforePublish: () => {} });
        locked.close();
        return found;
      }
    }));

  it('opens with no other key', () =>
    withHome(async (home) => {
      const file = `${home.root}/backup`;
      writeFileSync(file, bytes);
      const attempt = (bytesOfKey: Uint8Array, source = one.keySource) => {
        const locked = new LockedBackup(file);
        return codeOf(() => locked.unlock({ source, bytes: bytesOfKey })).finally(() => locked.close());
      };
      expect(await attempt(randomBytes(32))).toBe('E_WRONG_KEY');
      expect(await attempt(key.bytes, one.keySource === 'passphrase' ? 'key-file' : 'passphrase')).toBe('E_WRONG_KEY');
      expect(await attempt(key.bytes, 'keyring')).toBe('E_WRONG_KEY');
    }));
});
