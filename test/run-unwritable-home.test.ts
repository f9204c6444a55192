import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { expectRefused } from './support/refused.ts';
import { Sandbox, type StartOptions } from './support/sandbox.ts';

const VALUE = `closed-${randomBytes(12).toString('hex')}`;
const GRANT = ['-e', 'KEY=hasp://api/key'];
const isRoot = process.getuid?.() === 0;
let model: Sandbox;
let box: Sandbox;
beforeAll(async () => {
  model = await Sandbox.withSecrets({ 'api/key': VALUE });
});
afterAll(() => model.remove());
beforeEach(() => {
  box = model.clone();
});
afterEach(() => box.remove());

const expectClosed = (options: readonly string[], code: string, words: RegExp, how: StartOptions = {}) =>
  expectRefused(box, options, { code, words, value: VALUE }, how);

/** Whether this machine lets us (a container may not). */
function isPossible(command: string): boolean {
  try {
    execFileSync('sh', ['-c', command], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe('a home that others could reach', () => {
  it.each([
    ['', 0o755, '700'],
    ['', 0o770, '700'],
    ['vault.db', 0o644, '600'],
    ['vault.key', 0o640, '600'],
    ['audit.jsonl', 0o604, '600'],
    ['audit.seal', 0o666, '600'],
    ['run', 0o711, '700'],
  ])('%s with mode %o gives the chmod to run', async (name, mode, needed) => {
    await box.ok(['run', ...GRANT, '--', 'true']);
    const place = path.join(box.home, name).replace(/\/$/, '');
    chmodSync(place, mode);
    const stderr = await expectClosed(GRANT, 'E_HOME_UNSAFE', /chmod/);
    const remedy = /→ (.*)\n/.exec(stderr)?.[1] ?? '';
    expect(remedy).toBe(`chmod ${needed} ${place}`);
    expect((await box.run(['secret', 'list'])).status).toBe(3);
    execFileSync('sh', ['-c', remedy]);
    await box.ok(['run', ...GRANT, '--', 'true']);
  });

  it.runIf(isRoot)('is refused if it belongs to somebody else', async () => {
    execFileSync('chown', ['12345', path.join(box.home, 'vault.db')]);
    await expectClosed(GRANT, 'E_HOME_UNSAFE', /another user/);
  });
});

describe('a log that can’t be written', () => {
  const log = () => path.join(box.home, 'audit.jsonl');

  it('or is a folder', async () => {
    rmSync(log());
    mkdirSync(log(), { mode: 0o700 });
    await expectClosed(GRANT, 'E_HOME_UNSAFE', /audit\.jsonl/);
  });

  it('or is gone', async () => {
    rmSync(log());
    await expectClosed(GRANT, 'E_CHAIN_BROKEN', /audit/);
  });

  it('or lost its seal', async () => {
    rmSync(path.join(box.home, 'audit.seal'));
    await expectClosed(GRANT, 'E_CHAIN_BROKEN', /seal/);
  });

  it('or was cut', async () => {
    const lines = readFileSync(log(), 'utf8').split('\n');
    writeFileSync(log(), `${lines.slice(0, -2).join('\n')}\n`);
    await expectClosed(GRANT, 'E_CHAIN_BROKEN', /log/);
  });

  it('or ends in foreign bytes: these are fenced, recorded, and the run goes on', async () => {
    appendFileSync(log(), '{"v":1,"seq":99,"torn');
    await box.ok(['run', ...GRANT, '--', 'true']);
    expect(await box.log('--type', 'audit.recovered')).toHaveLength(1);
    expect(await box.json<{ ok: boolean; fenced: number }>(['audit', 'verify'])).toMatchObject({ ok: true, fenced: 1 });
  });

  it('or is read-only', async () => {
    // Modes do not stop root; an immutable file does, on file systems that know it.
    const [shut, open] = isRoot ? ['chattr +i', 'chattr -i'] : ['chmod 400', 'chmod 600'];
    if (!isPossible(`${shut} ${log()}`)) return;
    await expectClosed(GRANT, 'E_AUDIT_WRITE', /audit/).finally(() => isPossible(`${open} ${log()}`));
    await box.ok(['run', ...GRANT, '--', 'true']);
    await box.ok(['audit', 'verify']);
  });
});

describe.runIf(isRoot)('a full disk', () => {
  it('keeps the child from starting, and loses nothing that was acknowledged', async () => {
    const small = path.join(box.root, 'small');
    mkdirSync(small);
    if (!isPossible(`mount -t tmpfs -o size=2m,mode=700 tmpfs ${small}`)) return;
    try {
      const env = { HASP_HOME: path.join(small, 'home') };
      await box.ok(['init', '--key-file'], { env });
      await box.ok(['secret', 'set', 'api/key'], { env, stdin: VALUE });
      await box.ok(['run', ...GRANT, '--', 'true'], { env });
      fillDisk(path.join(small, 'filler'));
      await expectClosed(GRANT, 'E_AUDIT_WRITE', /ENOSPC|full|space/, { env }).catch(() => expectFull(env));
      rmSync(path.join(small, 'filler'));
      await box.ok(['run', ...GRANT, '--', 'true'], { env });
      await box.ok(['audit', 'verify'], { env });
    } finally {
      execFileSync('umount', ['-l', small]);
    }
  });

  /** Which of the first writes fails depends on how full the last page is. */
  async function expectFull(env: Record<string, string>): Promise<void> {
    await expectClosed(GRANT, 'E_STORAGE', /ENOSPC|full|space/, { env });
  }

  it('that fills up during a run keeps neither status nor end from it', async () => {
    const small = path.join(box.root, 'small');
    mkdirSync(small);
    if (!isPossible(`mount -t tmpfs -o size=2m,mode=700 tmpfs ${small}`)) return;
    try {
      const env = { HASP_HOME: path.join(small, 'home') };
      await box.ok(['init', '--key-file'], { env });
      await box.ok(['secret', 'set', 'api/key'], { env, stdin: VALUE });
      const fill = `cat /dev/zero >${small}/filler 2>/dev/null; exit 3`;
      const { status, stderr } = await box.run(['run', ...GRANT, '--', 'sh', '-c', fill], { env });
      expect([status, stderr.toString()]).toEqual([3, expect.not.stringContaining(VALUE)]);
      rmSync(path.join(small, 'filler'));
      await box.ok(['secret', 'list'], { env });
      expect(await box.json(['audit', 'verify'], { env })).toMatchObject({ ok: true });
      const log = await box.ok(['audit', 'log', '--json', '--secret', 'api/key'], { env });
      expect(log.match(/"type":"grant\.(?:issued|ended)"/g)).toEqual(['"type":"grant.issued"', '"type":"grant.ended"']);
    } finally {
      execFileSync('umount', ['-l', small]);
    }
  });

  function fillDisk(file: string): void {
    const descriptor = openSync(file, 'w');
    expect(() => {
      for (;;) appendFileSync(descriptor, Buffer.alloc(512));
    }).toThrow(/ENOSPC/);
    closeSync(descriptor);
  }
});
