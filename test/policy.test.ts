import { symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Sandbox } from './support/sandbox.ts';

interface Tested {
  readonly effect: string;
  readonly rule: string;
  readonly why: string;
  readonly at: string;
  readonly rules: readonly { id: string; effect: string; applies: boolean; decides: boolean; why: string }[];
}

const RULES = {
  version: 1,
  rules: [
    {
      id: 'scanners',
      effect: 'allow',
      agentSelector: 'scan-*',
      credentialSelector: 'GITHUB_TOKEN',
      constraints: { rateLimit: { maxPerMinute: 30 }, timeWindow: { start: '22:00', end: '06:00', timeZone: 'UTC' } },
    },
    { id: 'tests', effect: 'allow', agentSelector: '*', credentialSelector: 'db/test', commandSelector: 'npm test*' },
    { id: 'publish', effect: 'ask', agentSelector: 'claude', credentialSelector: 'npm/*', targetSelector: 'publish' },
    {
      id: 'trusted',
      effect: 'allow',
      agentSelector: '*',
      credentialSelector: 'x',
      constraints: { minTrustScore: 0.7 },
    },
    { id: 'not-prod', effect: 'deny', agentSelector: '*', credentialSelector: '*prod*' },
    { id: 'all', effect: 'allow', agentSelector: 'admin', credentialSelector: '*' },
  ],
};

let box: Sandbox;
let home: string;
beforeAll(async () => {
  box = await Sandbox.withSecrets();
  home = path.join(box.home, 'policy.json');
  writeFileSync(home, JSON.stringify(RULES, null, 2), { mode: 0o600 });
});
afterAll(() => box.remove());

const test = (...argv: string[]) => box.json<Tested>(['policy', 'test', ...argv]);
const refused = async (argv: readonly string[]) => {
  const { status, stdout, stderr } = await box.run(argv);
  return [status, stdout.toString(), stderr.toString()] as const;
};

describe('policy check', () => {
  it('says what it read, of the home or of a file', async () => {
    expect(await box.json(['policy', 'check'])).toMatchObject({
      file: home,
      present: true,
      rules: RULES.rules.map(({ id, effect }) => ({ id, effect })),
    });
    const file = box.write('rules.json', '[]');
    expect(await box.json(['policy', 'check', 'rules.json'])).toMatchObject({ file, rules: [] });
    expect((await box.run(['policy', 'check'])).stderr.toString()).toBe(`hasp: ${home} is in order: 6 rules\n`);
  });

  it('names the place of what is wrong', async () => {
    const file = box.write('wrong.json', '[\n  { "id": "a", "effect": "permit" }\n]');
    expect(await refused(['policy', 'check', 'wrong.json'])).toEqual([
      2,
      '',
      `hasp: ${file}:2:26: expected allow or deny or ask\n  → correct it there, then look again with: hasp policy check\n`,
    ]);
    const [status, , stderr] = await refused(['policy', 'check', 'wrong.json', '--json']);
    expect([status, JSON.parse(stderr)]).toMatchObject([2, { error: { code: 'E_POLICY_INVALID' } }]);
  });

  it('refuses what is not there, is no file, or could have been written by others', async () => {
    for (const file of ['not-there.json', '.', '/dev/zero'])
      expect((await refused(['policy', 'check', file]))[0]).toBe(2);
    box.write('open.json', '[]', 0o600);
    await box.other(['chmod', '666', 'open.json']);
    expect((await refused(['policy', 'check', 'open.json']))[0]).toBe(3);
  });

  it('finds nothing wrong with a home that has no rules, and needs no key', async () => {
    const empty = new Sandbox();
    expect(await empty.json(['policy', 'check'])).toMatchObject({ present: false, rules: [] });
    expect(await empty.json(['policy', 'test', '--agent', 'a', '--secret', 's'])).toMatchObject({
      rule: 'default-deny',
    });
    empty.remove();
  });
});

describe('policy test', () => {
  it('names the rule that decides, and why the others do not', async () => {
    const night = await test('--agent', 'scan-01', '--secret', 'hasp://GITHUB_TOKEN', '--at', '2026-11-20T23:30:00Z');
    expect(night).toMatchObject({
      effect: 'allow',
      rule: 'scanners',
      why: 'Allowed by rule "scanners"',
      at: '2026-11-20T23:30:00.000Z',
    });
    expect(night.rules.map(({ id, decides }) => [id, decides])).toEqual(
      RULES.rules.map(({ id }) => [id, id === 'scanners']),
    );
    expect(night.rules[1]?.why).toBe('The secret is not like "db/test"');
    const day = await test('--agent', 'scan-01', '--secret', 'GITHUB_TOKEN', '--at', '2026-11-20T12:00:00Z');
    expect(day).toMatchObject({
      effect: 'deny',
      rule: 'scanners',
      why: 'Outside the time window (22:00-06:00 UTC)',
    });
  });

  it('looks at command, target and delivery', async () => {
    const tests = ['--agent', 'claude', '--secret', 'db/test'];
    expect(await test(...tests, '--command', 'npm test -- -x')).toMatchObject({ effect: 'allow', rule: 'tests' });
    expect(await test(...tests, '--command', 'node x')).toMatchObject({ effect: 'deny', rule: 'default-deny' });
    expect(await test(...tests)).toMatchObject({ why: 'No matching allow rule (default deny)' });
    expect((await test(...tests, '--command', "'npm test'")).effect).toBe('deny');
    expect((await refused(['policy', 'test', ...tests, '--command', "npm 'test"]))[0]).toBe(2);
    const publish = ['--agent', 'claude', '--secret', 'npm/token', '--command', 'npm publish'];
    expect(await test(...publish, '--target', 'publish')).toMatchObject({ effect: 'ask', rule: 'publish' });
    expect((await test(...publish)).effect).toBe('deny');
    expect((await refused(['policy', 'test', ...publish, '--delivery', 'mail']))[0]).toBe(2);
  });

  it('finds the program of a command as a run would, and says which it is', async () => {
    const tool = box.write('bin/tool', '#!/bin/sh', 0o755);
    symlinkSync(tool, path.join(box.cwd, 'bin/alias'));
    const rules = [
      { id: 'no-tool', effect: 'deny', agentSelector: '*', credentialSelector: '*', commandSelector: 'tool*' },
      { id: 'all', effect: 'allow', agentSelector: '*', credentialSelector: '*' },
    ];
    box.write('tool.json', JSON.stringify(rules));
    const asked = ['--agent', 'a', '--secret', 's', '--policy-file', 'tool.json', '--command'];
    const env = { PATH: `${path.join(box.cwd, 'bin')}:${box.environment['PATH']}` };
    for (const command of ['tool -x', './bin/tool -x', `${tool} -x`, './bin/alias']) {
      expect((await test(...asked, command)).rule).toBe('no-tool');
    }
    expect((await test(...asked, 'alias')).rule).toBe('all');
    const { stderr } = await box.run(['policy', 'test', ...asked, 'alias'], { env });
    expect(stderr.toString()).toContain(`alias is ${tool} here`);
    expect(await box.json(['policy', 'test', ...asked, 'alias'], { env })).toMatchObject({
      rule: 'no-tool',
      command: { words: ['alias'], program: { path: path.join(box.cwd, 'bin/alias'), realPath: tool } },
    });
  });

  it('shows a denial over what would have been allowed', async () => {
    const denied = await test('--agent', 'admin', '--secret', 'db/prod');
    expect(denied).toMatchObject({ effect: 'deny', rule: 'not-prod' });
    expect(denied.rules.at(-1)).toEqual({
      id: 'all',
      effect: 'allow',
      applies: true,
      decides: false,
      why: 'Would apply, but "not-prod" decides before it',
    });
  });

  it('says where the identity server would have to be asked', async () => {
    expect(await test('--agent', 'a', '--secret', 'x')).toMatchObject({ effect: 'needs-identity', rule: 'trusted' });
  });

  it('shows a person a line and a table', async () => {
    const text = await box.ok(['policy', 'test', '--agent', 'claude', '--secret', 'npm/x', '--target', 'publish']);
    const lines = text.split('\n');
    expect(lines[0]).toBe('ask  publish  Rule "publish" asks a person');
    expect(lines.find((line) => line.startsWith('→'))).toMatch(/^→ +publish +ask +Its selectors match/);
  });

  it('takes other rules, and needs an agent and a secret', async () => {
    box.write('other.json', '[{"id":"o","effect":"allow","agentSelector":"*","credentialSelector":"*"}]');
    expect(await test('--agent', 'a', '--secret', 's', '--policy-file', 'other.json')).toMatchObject({ rule: 'o' });
    for (const argv of [
      ['--agent', 'a'],
      ['--secret', 's'],
      ['--agent', 'a', '--secret', 's', '--at', 'someday'],
      ['--agent', 'a', '--secret', 'not a name'],
    ])
      expect([argv, (await refused(['policy', 'test', ...argv]))[0]]).toEqual([argv, 2]);
  });
});
