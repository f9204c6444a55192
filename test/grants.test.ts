import { readdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { isLiving, type Running, Sandbox, until } from './support/sandbox.ts';

interface Grant {
  readonly id: string;
  readonly secret: string;
  readonly version: number;
  readonly delivery: string;
  readonly scope: string;
  readonly state: string;
  readonly issuedAt: string;
  readonly expiresAt: string;
  readonly endReason?: string;
  readonly command: readonly string[];
  readonly root?: { readonly pid: number };
  readonly tree?: readonly { readonly pid: number; readonly ppid: number; readonly command: string }[];
}

let model: Sandbox;
let box: Sandbox;
beforeAll(async () => {
  model = await Sandbox.withSecrets({ 'db/url': 'value-of-db-url', other: 'value-of-other' });
});
afterAll(() => model.remove());
beforeEach(() => {
  box = model.clone();
});
afterEach(() => box.remove());

const live = async (...flags: string[]) => (await box.json<{ grants: Grant[] }>(['grants', ...flags])).grants;

/** A run that lasts until it is ended, with a child and a grandchild that left the session. */
async function lasting(...options: string[]): Promise<Running> {
  const script = '(setsid sleep 300 <&- >&- 2>&- &); sleep 0.1; echo ready; exec sleep 301';
  const running = box.start(['run', ...options, '--', 'sh', '-c', script]);
  await running.printed('ready');
  return running;
}

describe('grants', () => {
  it('are none where nothing runs', async () => {
    expect(await live()).toEqual([]);
    const { status, stdout, stderr } = await box.run(['grants']);
    expect([status, stdout.toString()]).toEqual([0, '']);
    expect(stderr.toString()).toMatch(/no live grant/);
  });

  it('are listed while they live, each with its tree, and with --all afterwards', async () => {
    const running = await lasting(
      '-e',
      'DB=hasp://db/url',
      '--file',
      'F=hasp://other',
      '--reason',
      'to look',
      '--ttl',
      '1h',
    );
    const grants = await live();
    expect(grants).toMatchObject([
      {
        secret: 'db/url',
        version: 1,
        delivery: 'env',
        variable: 'DB',
        scope: 'tree',
        state: 'issued',
        reason: 'to look',
      },
      {
        secret: 'other',
        version: 1,
        delivery: 'file',
        variable: 'F',
        scope: 'tree',
        state: 'issued',
        reason: 'to look',
      },
    ]);
    const [grant] = grants;
    expect(Date.parse(grant?.expiresAt ?? '') - Date.parse(grant?.issuedAt ?? '')).toBe(3_600_000);
    expect(grant?.root?.pid).toBeGreaterThan(1);
    expect(grant?.tree?.map(({ command }) => command).filter((name) => name === 'sleep')).toHaveLength(2);
    const text = await box.ok(['grants']);
    expect(text).toMatch(/db\/url@1 {2}env DB/);
    expect(text).not.toContain('value-of');
    running.child.kill('SIGTERM');
    await running.ended;
    expect(await live()).toEqual([]);
    expect(await live('--all')).toMatchObject([
      { id: grant?.id, state: 'ended', endReason: 'signalled' },
      { secret: 'other' },
    ]);
  });

  it('are shown while the vault is locked', async () => {
    const running = await lasting('-e', 'DB=hasp://db/url');
    const env = { HASP_KEY_FILE: path.join(box.root, 'nowhere') };
    const { status, stdout } = await box.run(['grants', '--json'], { env });
    expect([status, stdout.toString()]).toEqual([0, expect.stringContaining('db/url')]);
    running.child.kill('SIGTERM');
    await running.ended;
  });
});

describe('revoke', () => {
  it.each([
    ['a grant', (grant: Grant) => grant.id],
    ['a run', (grant: Grant) => grant.id.split('-')[0] ?? ''],
    ['all', () => '--all'],
  ])('of %s ends the tree, and says so when it is done', async (_what, which) => {
    const running = await lasting('-e', 'DB=hasp://db/url', '-e', 'O=hasp://other', '--grace', '100ms');
    const [grant] = await live();
    const pids = grant?.tree?.map(({ pid }) => pid) ?? [];
    expect(pids.length).toBeGreaterThan(1);
    await box.ok(['revoke', which(grant as Grant)]);
    expect(pids.filter(isLiving)).toEqual([]);
    expect(await box.log('--type', 'grant.ended')).toMatchObject([{ endReason: 'revoked' }, { endReason: 'revoked' }]);
    expect((await running.ended).status).not.toBe(0);
    await until('the state is gone', () => readdirSync(path.join(box.home, 'run')).length === 0);
    expect(await box.json(['audit', 'verify'])).toMatchObject({ ok: true });
  });

  it('leaves other runs alone', async () => {
    const first = await lasting('-e', 'DB=hasp://db/url');
    const second = await lasting('-e', 'O=hasp://other');
    const grants = await live();
    await box.ok(['revoke', grants.find(({ secret }) => secret === 'other')?.id ?? '']);
    await second.ended;
    expect((await live()).map(({ secret }) => secret)).toEqual(['db/url']);
    first.child.kill('SIGTERM');
    await first.ended;
  });

  it('of what is not there is E_GRANT_MISSING; of nothing named, a usage error', async () => {
    expect((await box.run(['revoke', '0123456789abcdef-1'])).status).toBe(4);
    expect((await box.run(['revoke'])).status).toBe(2);
    expect((await box.run(['revoke', 'x', '--all'])).status).toBe(2);
    await box.ok(['revoke', '--all']);
  });
});

describe('what ends the grants of a secret', () => {
  it.each([
    ['rotate', ['secret', 'rotate', 'db/url'], 'a-new-value'],
    ['rm', ['secret', 'rm', 'db/url'], ''],
  ])('%s does, of this secret only', async (_what, argv, stdin) => {
    const holder = await lasting('-e', 'DB=hasp://db/url');
    const other = await lasting('-e', 'O=hasp://other');
    await box.ok(argv, { stdin });
    await holder.ended;
    expect((await live()).map(({ secret }) => secret)).toEqual(['other']);
    other.child.kill('SIGTERM');
    await other.ended;
    expect(await box.json(['audit', 'verify'])).toMatchObject({ ok: true });
  });
});
