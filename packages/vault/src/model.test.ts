import fc from 'fast-check';
import { expect, it } from 'vitest';
import { openVaultWithKeyFile } from './open.ts';
import { renameSecret } from './rename.ts';
import { codeOf, KEY, textOf, withVault } from './scratch.ts';
import type { Vault } from './vault.ts';

/** What a vault should hold: of each name, the values by version, and the next version. */
type Model = Map<string, { next: number; values: Map<number, string> }>;

type Deed =
  | { readonly type: 'set' | 'rotate' | 'forget'; readonly name: string; readonly value: string }
  | { readonly type: 'remove'; readonly name: string; readonly version: number | undefined }
  | { readonly type: 'rename'; readonly name: string; readonly to: string };

const name = fc.constantFrom('a', 'b', 'c/d');
const deed: fc.Arbitrary<Deed> = fc.oneof(
  fc.record({
    type: fc.constantFrom('set' as const, 'set' as const, 'rotate' as const, 'forget' as const),
    name,
    value: fc.string({ maxLength: 70 }),
  }),
  fc.record({
    type: fc.constant('remove' as const),
    name,
    version: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
  }),
  fc.record({ type: fc.constant('rename' as const), name, to: name }),
);

/** The error code that the vault should give, having done the same to the model. */
function expected(model: Model, one: Deed): string | undefined {
  const secret = model.get(one.name);
  if (!secret && one.type !== 'set') return 'E_SECRET_MISSING';
  const { next, values } = secret ?? { next: 1, values: new Map<number, string>() };
  switch (one.type) {
    case 'remove':
      if (one.version !== undefined && !values.has(one.version)) return 'E_SECRET_MISSING';
      if (one.version === undefined) values.clear();
      else values.delete(one.version);
      if (values.size === 0) model.delete(one.name);
      return undefined;
    case 'rename':
      if (model.has(one.to)) return 'E_EXISTS';
      model.delete(one.name);
      model.set(one.to, { next, values });
      return undefined;
    default:
      if (one.type === 'forget') values.clear();
      values.set(next, one.value);
      model.set(one.name, { next: next + 1, values });
      return undefined;
  }
}

async function perform(vault: Vault, one: Deed): Promise<void> {
  if (one.type === 'remove') vault.remove(one.name, one.version);
  else if (one.type === 'rename') await renameSecret(vault, one.name, one.to);
  else if (one.type === 'set') await vault.set(one.name, Buffer.from(one.value));
  else await vault.rotate(one.name, Buffer.from(one.value), { forget: one.type === 'forget' });
}

function check(vault: Vault, model: Model): void {
  expect(vault.list().map((listed) => [listed.name, listed.version])).toEqual(
    [...model].map(([key, { values }]) => [key, Math.max(...values.keys())]).sort(),
  );
  for (const [key, { values }] of model) {
    expect(vault.history(key).map(({ version }) => version)).toEqual([...values.keys()]);
    for (const [version, value] of values) expect(textOf(vault, key, version)).toBe(value);
  }
}

it('a vault is what a map would be, whatever is done to it, and so it is once opened again', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(deed, { minLength: 5, maxLength: 20 }), (deeds) =>
      withVault(async (vault, home) => {
        const model: Model = new Map();
        for (const one of deeds) expect(await codeOf(() => perform(vault, one))).toBe(expected(model, one));
        check(vault, model);
        vault.close();
        const again = openVaultWithKeyFile(home, KEY);
        check(again, model);
        again.close();
      }),
    ),
    { numRuns: 25 },
  );
});
