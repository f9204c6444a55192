import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Agents } from './agents.ts';
import { Database } from './database.ts';
import { textsOf } from './inside.ts';
import { openVaultWithKeyFile } from './open.ts';
import { codeOf, isAnywhere, KEY, withVault } from './scratch.ts';
import type { Vault } from './vault.ts';

const START = Date.parse('2026-11-21T14:00:00.000Z');
let now = START;
const agentsOf = (vault: Vault) => {
  now = START;
  return new Agents(vault, { random: randomBytes, clock: () => now });
};

describe('agents', () => {
  it('are known by a token that is shown once, and kept as its hash alone', () =>
    withVault((vault, home) => {
      const agents = agentsOf(vault);
      const { agent, token } = agents.add('claude');
      expect(token).toMatch(/^hasp_agt_[A-Za-z0-9_-]{43}$/);
      expect(agent).toEqual({
        name: 'claude',
        tokenId: expect.stringMatching(/^[0-9a-f]{16}$/),
        createdAt: '2026-11-21T14:00:00.000Z',
      });
      expect(agents.findByToken(token)).toEqual(agent);
      expect(agents.list()).toEqual([agent]);
      const hash = createHash('sha256').update(token).digest('hex');
      for (const trace of [token, token.slice(9), hash, 'claude', agent.tokenId])
        expect([trace, isAnywhere(home, Buffer.from(trace))]).toEqual([trace, false]);
      expect(JSON.stringify(agents.list())).not.toContain(hash);
    }));

  it('are not known by anything else', () =>
    withVault((vault) => {
      const agents = agentsOf(vault);
      const { agent, token } = agents.add('claude');
      const hash = createHash('sha256').update(token).digest('hex');
      for (const wrong of [
        '',
        'hasp_agt_',
        token.slice(0, -1),
        `${token}a`,
        `${token}\n`,
        ` ${token}`,
        hash,
        agent.tokenId,
        'claude',
      ])
        expect([wrong, agents.findByToken(wrong)]).toEqual([wrong, undefined]);
      const other = `hasp_agt_${randomBytes(32).toString('base64url')}`;
      expect(agents.findByToken(other)).toBeUndefined();
    }));

  it('have one name each', () =>
    withVault(async (vault) => {
      const agents = agentsOf(vault);
      const { token } = agents.add('claude');
      await vault.set('claude', Buffer.from('a secret may have the same'));
      expect(await codeOf(() => agents.add('claude'))).toBe('E_EXISTS');
      agents.add('Claude');
      agents.add('aider');
      expect(agents.list().map(({ name }) => name)).toEqual(['Claude', 'aider', 'claude']);
      expect(agents.findByToken(token)?.name).toBe('claude');
      for (const deed of [() => agents.rotate('other'), () => agents.revoke('other')])
        expect(await codeOf(deed)).toBe('E_AGENT_MISSING');
    }));

  it('lose their old token when it is rotated, and each when they are revoked', () =>
    withVault((vault) => {
      const agents = agentsOf(vault);
      const first = agents.add('claude');
      now += 1_000;
      const second = agents.rotate('claude');
      expect(second.agent).toMatchObject({ createdAt: first.agent.createdAt, rotatedAt: '2026-11-21T14:00:01.000Z' });
      expect(second.agent.tokenId).not.toBe(first.agent.tokenId);
      expect([agents.findByToken(first.token), agents.findByToken(second.token)]).toEqual([undefined, second.agent]);
      expect(agents.revoke('claude')).toEqual(second.agent);
      expect([agents.findByToken(second.token), agents.list()]).toEqual([undefined, []]);
      // A later life of the name is another agent.
      agents.add('claude');
      expect(agents.findByToken(second.token)).toBeUndefined();
    }));

  it('are refused when their time is over, and have as long again with a new token', () =>
    withVault((vault) => {
      const agents = agentsOf(vault);
      const first = agents.add('claude', 60_000);
      expect(first.agent.expiresAt).toBe('2026-11-21T14:01:00.000Z');
      now += 59_999;
      expect(agents.findByToken(first.token)?.name).toBe('claude');
      now += 1;
      expect(agents.findByToken(first.token)).toBeUndefined();
      const second = agents.rotate('claude');
      expect(second.agent.expiresAt).toBe('2026-11-21T14:02:00.000Z');
      expect(agents.findByToken(second.token)?.name).toBe('claude');
      now += 30_000;
      expect(agents.rotate('claude').agent.expiresAt).toBe('2026-11-21T14:02:30.000Z');
    }));

  it('that another process adds, rotates or revokes are so at the next look', () =>
    withVault((vault, home) => {
      const agents = agentsOf(vault);
      const other = openVaultWithKeyFile(home, KEY);
      const others = new Agents(other, { random: randomBytes, clock: () => now });
      const { token } = others.add('claude');
      expect(agents.findByToken(token)?.name).toBe('claude');
      const rotated = others.rotate('claude').token;
      expect([agents.findByToken(token), agents.findByToken(rotated)?.name]).toEqual([undefined, 'claude']);
      others.revoke('claude');
      expect(agents.findByToken(rotated)).toBeUndefined();
      other.close();
    }));

  it('that are undone with their transaction were never there', () =>
    withVault((vault) => {
      const agents = agentsOf(vault);
      let token = '';
      const refuse = () =>
        vault.transaction(() => {
          token = agents.add('claude').token;
          expect(agents.findByToken(token)?.name).toBe('claude');
          throw new Error('no record');
        });
      expect(refuse).toThrow('no record');
      expect([agents.findByToken(token), agents.list()]).toEqual([undefined, []]);
    }));

  it('keep when they were last seen, to within ten minutes', () =>
    withVault((vault) => {
      const agents = agentsOf(vault);
      const { agent } = agents.add('claude');
      const seen = () => agents.list()[0]?.lastUsedAt;
      agents.noteUse(agent);
      expect(seen()).toBe('2026-11-21T14:00:00.000Z');
      const stamp = textsOf(vault, 'agent').stamp();
      now += 599_999;
      agents.noteUse(agent);
      expect([seen(), textsOf(vault, 'agent').stamp()]).toEqual(['2026-11-21T14:00:00.000Z', stamp]);
      now += 1;
      agents.noteUse(agent);
      expect(seen()).toBe('2026-11-21T14:10:00.000Z');
      expect(agents.rotate('claude').agent.lastUsedAt).toBe('2026-11-21T14:10:00.000Z');
      now += 600_000;
      agents.noteUse(agent);
      expect(seen()).toBe('2026-11-21T14:10:00.000Z');
      agents.revoke('claude');
      agents.noteUse(agent);
      expect(agents.list()).toEqual([]);
    }));

  it('put back by someone without the key are noticed', () =>
    withVault(async (vault, home) => {
      const agents = agentsOf(vault);
      const { token } = agents.add('claude');
      const database = new Database(home.vault);
      database.exec('CREATE TABLE old AS SELECT * FROM buckets; CREATE TABLE older AS SELECT * FROM summary');
      agents.revoke('claude');
      database.exec('DELETE FROM buckets; INSERT INTO buckets SELECT * FROM old');
      database.exec('UPDATE summary SET mac = (SELECT mac FROM older)');
      database.close();
      expect(await codeOf(() => agents.findByToken(token))).toBe('E_VAULT_CORRUPT');
    }));
});
