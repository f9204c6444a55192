import { expect, it } from 'vitest';
import { type NewValue, presentSecrets, type SetManyOptions, setMany } from './many.ts';
import { codeOf, isAnywhere, textOf, withVault } from './scratch.ts';
import type { Vault } from './vault.ts';

const values = (from: number, to: number): NewValue[] =>
  Array.from({ length: to - from }, (_, index) => ({
    name: `s${from + index}`,
    value: Buffer.from(`value ${from + index}`),
  }));

async function store(vault: Vault, list: readonly NewValue[], options: Partial<SetManyOptions> = {}) {
  let stored: Parameters<SetManyOptions['beforeCommit']>[0] = [];
  const names = list.map(({ name }) => name);
  const beforeCommit: SetManyOptions['beforeCommit'] = (all) => {
    stored = all;
  };
  await setMany(vault, names, { choose: () => list, beforeCommit, ...options });
  return stored;
}

it('many values are stored as by set, one by one: new names, new versions, what else there is stays', () =>
  withVault(async (vault) => {
    await vault.set('s1', Buffer.from('old'));
    await vault.set('s2', Buffer.from('first'), { placeholder: true });
    await vault.set('s2', Buffer.from('second'));
    vault.remove('s2', 2);
    await vault.set('other', Buffer.from('untouched'));
    vault.trust('/work', 'aa'.repeat(32), ['other']);
    const counts: number[] = [];
    const stored = await store(vault, values(0, 700), { onStored: (count) => void counts.push(count) });
    expect(stored.slice(0, 4)).toEqual([
      { name: 's0', version: 1 },
      { name: 's1', version: 2 },
      { name: 's2', version: 3 },
      { name: 's3', version: 1 },
    ]);
    expect([stored.length, counts.length, counts.at(-1)]).toEqual([700, 700, 700]);
    expect(vault.list()).toHaveLength(701);
    for (const index of [0, 1, 2, 3, 350, 699]) expect(textOf(vault, `s${index}`)).toBe(`value ${index}`);
    expect([textOf(vault, 's1', 1), textOf(vault, 's2', 1), textOf(vault, 'other')]).toEqual([
      'old',
      'first',
      'untouched',
    ]);
    expect(vault.history('s2').map(({ version, placeholder }) => [version, placeholder])).toEqual([
      [1, true],
      [3, false],
    ]);
    expect(vault.consent('/work')).toMatchObject({ names: ['other'] });
    expect(await vault.set('s3', Buffer.from('next'))).toBe(2);
    vault.remove('s4');
    expect(await codeOf(() => vault.get({ name: 's4' }))).toBe('E_SECRET_MISSING');
  }));

it('what is there is told under the lock, and what is chosen then is stored', () =>
  withVault(async (vault) => {
    await vault.set('s1', Buffer.from('old'));
    await vault.set('s1', Buffer.from('newer'));
    const expected = new Map([['s1', { version: 2, next: 3 }]]);
    expect(presentSecrets(vault, ['s0', 's1'])).toEqual(expected);
    const [first] = values(0, 1);
    const stored = await store(vault, values(0, 2), {
      choose: (present) => {
        expect(present).toEqual(expected);
        return [first as NewValue];
      },
    });
    expect(stored).toEqual([{ name: 's0', version: 1 }]);
    expect([textOf(vault, 's0'), textOf(vault, 's1')]).toEqual(['value 0', 'newer']);
  }));

it('nothing chosen changes nothing, and is no change', () =>
  withVault(async (vault) => {
    const beforeCommit = () => {
      throw new Error('nothing to record');
    };
    await store(vault, values(0, 3), { choose: () => [], beforeCommit });
    expect(vault.list()).toEqual([]);
  }));

it('whatever throws before the end, nothing of it was stored', () =>
  withVault(async (vault, home) => {
    await vault.set('s1', Buffer.from('old'));
    const before = vault.list();
    const fail = () => {
      throw new Error('not now');
    };
    const atTen = (count: number) => {
      if (count === 10) fail();
    };
    for (const options of [{ choose: fail }, { beforeCommit: fail }, { onStored: atTen }])
      await expect(store(vault, values(0, 300), options)).rejects.toThrow('not now');
    expect(vault.list()).toEqual(before);
    expect(textOf(vault, 's1')).toBe('old');
    expect(isAnywhere(home, Buffer.from('value 1'))).toBe(false);
  }));

it('the sheaf of all values is made anew after it', () =>
  withVault(async (vault) => {
    await store(vault, values(0, 40));
    expect(vault.everyValue()).toHaveLength(40);
    await store(vault, values(30, 50));
    expect(vault.everyValue()).toHaveLength(60);
  }));
