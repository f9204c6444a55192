import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { Database } from './database.ts';
import { Entries } from './entries.ts';
import { encodeHead } from './head.ts';
import { Keys } from './keys.ts';
import { codeOf, withVault } from './scratch.ts';

it('a look-up among 10,000 secrets opens a 256th of them', () =>
  withVault(async (vault, home) => {
    await vault.set('before', Buffer.from('x'));
    const database = new Database(home.vault);
    database.exec('DELETE FROM buckets; DELETE FROM summary');
    const entries = new Entries(database, new Keys(randomBytes(32), randomBytes(16)));
    const putMany = (from: number, to: number) =>
      database.transaction(() => {
        for (let index = from; index < to; index++) {
          const name = `s${index}`;
          const head = { name, secretId: randomBytes(16), next: 2, versions: [{ version: 1, createdAt: 0 }] };
          entries.put('secret', name, encodeHead(head), randomBytes);
        }
      });
    const median = () => {
      const times = Array.from({ length: 101 }, (_, index) => {
        const begin = process.hrtime.bigint();
        database.read(() => entries.find('secret', `s${index}`));
        return Number(process.hrtime.bigint() - begin) / 1e6;
      });
      return times.sort((a, b) => a - b)[50] ?? Number.NaN;
    };
    database.transaction(() => entries.initialize());
    putMany(0, 200);
    median();
    const few = median();
    putMany(200, 10_000);
    const many = median();
    // A scan of all of them takes some 20 ms.
    expect(many).toBeLessThan(few * 3 + 2);
    expect(database.read(() => entries.all('secret'))).toHaveLength(10_000);
    database.close();
    expect(await codeOf(() => vault.get({ name: 'before' }))).toBe('E_VAULT_CORRUPT');
  }));
