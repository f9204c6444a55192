import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { Sandbox } from './support/sandbox.ts';

interface Shown {
  readonly version: number;
  readonly scopes?: readonly string[];
  readonly baseline?: readonly string[];
}

let model: Sandbox;
let box: Sandbox;
beforeAll(async () => {
  model = await Sandbox.withSecrets();
});
afterAll(() => model.remove());
beforeEach(() => {
  box = model.clone();
});
afterEach(() => box.remove());

const set = (...argv: string[]) => box.run(['secret', ...argv], { stdin: 'a-value-of-it' });
const show = async () => {
  const { scopes, baseline } = await box.json<Shown>(['secret', 'show', 'gh']);
  return { scopes, baseline };
};

it('what a secret can do is said with its value; what is said first is accepted', async () => {
  await set('set', 'gh');
  expect(await show()).toEqual({ scopes: undefined, baseline: undefined });
  const said = await set('set', 'gh', '--scopes', 'repo:status, repo:read,repo:read', '--json');
  expect(JSON.parse(said.stdout.toString())).toMatchObject({ version: 2, scopes: ['repo:read', 'repo:status'] });
  expect(await show()).toEqual({ scopes: ['repo:read', 'repo:status'], baseline: ['repo:read', 'repo:status'] });
  await set('set', 'gh');
  expect((await show()).scopes).toEqual(['repo:read', 'repo:status']);
  expect(await box.log('--type', 'secret.set')).toMatchObject([{}, { scopes: ['repo:read', 'repo:status'] }, {}]);
});

it('more than that is told, shown, and stays so until a person accepts it', async () => {
  await set('set', 'gh', '--scopes', 'repo:read');
  const grown = await set('rotate', 'gh', '--scopes', 'repo:read,admin');
  expect(grown.stderr.toString()).toContain(
    'gh can do more than was accepted: admin; accept it with: hasp secret baseline gh',
  );
  expect(await show()).toEqual({ scopes: ['admin', 'repo:read'], baseline: ['repo:read'] });
  expect(await box.ok(['secret', 'show', 'gh'])).toContain('admin (new), repo:read');
  expect(await box.json(['secret', 'baseline', 'gh'])).toEqual({ name: 'gh', scopes: ['admin', 'repo:read'] });
  expect(await show()).toEqual({ scopes: ['admin', 'repo:read'], baseline: ['admin', 'repo:read'] });
  expect(await box.log('--type', 'secret.baseline')).toMatchObject([{ secret: 'gh', scopes: ['admin', 'repo:read'] }]);
  await box.ok(['audit', 'verify']);
});

it('what is no list of scopes is refused, before the value is asked for', async () => {
  for (const scopes of [',', 'a,,b', 'a b', 'é', 'x'.repeat(129), Array(101).fill('a').join(',')])
    expect([scopes, (await set('set', 'gh', '--scopes', scopes)).status]).toEqual([scopes, 2]);
  expect((await box.run(['secret', 'show', 'gh'])).status).toBe(4);
});

it('nothing can be accepted of a secret that is not there, or of which nothing was said', async () => {
  expect((await box.run(['secret', 'baseline', 'gh'])).status).toBe(4);
  await set('set', 'gh');
  const { status, stderr } = await box.run(['secret', 'baseline', 'gh']);
  expect([status, stderr.toString()]).toEqual([
    2,
    'hasp: nobody has said what gh can do\n  → say it with its value: hasp secret set gh --scopes read,write\n',
  ]);
});

it('an agent accepts nothing', async () => {
  await set('set', 'gh', '--scopes', 'a');
  const inside = { env: { HASP_SESSION: 'of-an-agent' } };
  expect((await box.run(['secret', 'baseline', 'gh'], inside)).status).toBe(3);
  for (const verb of ['add', 'rotate', 'revoke'])
    expect((await box.run(['agent', verb, 'other'], inside)).status).toBe(3);
});
