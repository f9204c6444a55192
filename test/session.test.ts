import { symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HASP, Sandbox } from './support/sandbox.ts';
import { endReasons, inSession, liveSession, place, sessions } from './support/sessions.ts';

const VALUE = 'correct-horse-battery';

let box: Sandbox;

beforeEach(async () => {
  box = await Sandbox.withSecrets({ 'db/test': VALUE, 'db/prod': 'another-value-entirely' });
});
afterEach(async () => {
  await box.run(['broker', 'stop']);
  box.remove();
});

/** Before the broker starts. */
const policy = (...rules: object[]): void => {
  const whole = rules.map((rule, index) => ({ id: `rule-${index + 1}`, effect: 'allow', agentSelector: '*', ...rule }));
  writeFileSync(place(box, 'policy.json'), JSON.stringify({ version: 1, rules: whole }), { mode: 0o600 });
};

describe('a session', () => {
  it('starts a broker where there is none, and ends as its command does', async () => {
    expect(await inSession(box, 'claude', 'exit 7')).toMatchObject({ status: 7, stdout: '' });
    expect((await box.json<{ isUnlocked: boolean }>(['broker', 'status'])).isUnlocked).toBe(true);
    expect(await inSession(box, 'claude', 'kill -TERM $$')).toMatchObject({ status: null, signal: 'SIGTERM' });
    expect((await box.run(['session', 'start', '--', 'no-such-command'])).status).toBe(127);
    expect((await box.run(['session', 'start', '--', '/etc/passwd'])).status).toBe(126);
    expect(await endReasons(box, 'session.ended')).toEqual(['exited', 'signalled']);
  });

  it('is on record with its wrapper, before its command begins', async () => {
    const running = await liveSession(box, 'claude');
    const [started] = await box.log('--type', 'session.started');
    const [shown] = await sessions(box);
    expect(started).toMatchObject({ agent: 'claude', keyExposed: true, withheld: [], wrapper: { pid: running.pid } });
    expect(shown).toMatchObject({ id: started?.['session'], agent: 'claude', state: 'live', keyExposed: true });
    const one = await box.json<{ tree: { pid: number }[]; root: { pid: number } }>([
      'session',
      'show',
      shown?.id ?? '',
    ]);
    expect(one.tree.map(({ pid }) => pid)).toContain(one.root.pid);
    await box.ok(['session', 'end', shown?.id ?? '']);
    expect(await running.ended).toMatchObject({ signal: 'SIGTERM' });
    expect(await sessions(box)).toEqual([]);
    expect(await endReasons(box, 'session.ended')).toEqual(['session-ended']);
    expect(await box.run(['session', 'end', shown?.id ?? ''])).toMatchObject({ status: 4 });
  });

  it('is named after its command where no agent is named', async () => {
    await box.ok(['session', 'start', '--', 'sh', '-c', 'exit 0']);
    expect(await box.log('--type', 'session.ended')).toMatchObject([{ agent: 'sh' }]);
    expect(await box.run(['session', 'start', '--agent', 'a/b', '--', 'true'])).toMatchObject({ status: 2 });
  });

  it('has no value, no key and no way to a passphrase in its environment, and says what was taken out', async () => {
    const env = {
      LEAKED: VALUE,
      HASP_KEY_FILE: place(box, 'vault.key'),
      HASP_GRANT: 'ffffffffffffffff',
      OTHER: 'kept',
      EMPTY: '',
    };
    const { stdout, stderr } = await inSession(box, 'claude', 'env', { env });
    expect(stdout).not.toMatch(/LEAKED|HASP_KEY_FILE|HASP_GRANT|correct-horse/);
    expect(stdout).toMatch(/^OTHER=kept$/m);
    expect(stdout).toMatch(/^EMPTY=$/m);
    expect(stdout).toMatch(/^HASP_SESSION=[0-9a-f]{16}$/m);
    expect(stderr).toMatch(/kept from claude, since their values are in the vault: LEAKED$/m);
    expect(stderr).not.toContain(VALUE);
    expect(await box.log('--type', 'session.started')).toMatchObject([{ withheld: ['LEAKED'] }]);
  });

  it('does not hand on the descriptor that unlocked the vault', async () => {
    const other = new Sandbox();
    const script = `"$0" init --passphrase-fd 3 3<pass && exec "$0" session start --passphrase-fd 3 -- sh -c 'ls /proc/self/fd; cat <&3' 3<pass`;
    other.write('pass', 'a passphrase\n', 0o600);
    const { stdout, stderr } = await other.other(['sh', '-c', script, HASP]);
    expect(stdout.toString()).not.toContain('a passphrase');
    expect(stderr.toString()).not.toContain('can read');
    expect(await other.log('--type', 'session.started')).toMatchObject([{ keyExposed: false }]);
    await other.run(['broker', 'stop']);
    other.remove();
  });

  it('holds references to what its targets get', async () => {
    const target = { command: ['true'], env: { DATABASE_URL: 'hasp://db/test' } };
    const manifest = { version: 1, targets: { test: target }, agents: { claude: { targets: ['test'] } } };
    box.write('hasp.json', JSON.stringify(manifest));
    const script = 'echo "$DATABASE_URL"';
    expect((await inSession(box, 'claude', script)).stdout).toBe('\n');
    await box.ok(['project', 'trust']);
    expect((await inSession(box, 'claude', script)).stdout).toBe('hasp://db/test\n');
    expect((await inSession(box, 'other', script)).stdout).toBe('\n');
  });
});

describe('a run inside a session', () => {
  const RUN = 'hasp run -e URL=hasp://db/test -- sh -c "echo got \\$URL"';

  it('is denied what no rule allows, and given what one does, masked', async () => {
    policy({ agentSelector: 'claude', credentialSelector: 'db/test' });
    expect((await inSession(box, 'claude', RUN)).stdout).toBe('got [hasp:db/test]\n');
    const denied = await inSession(box, 'claude', 'hasp run -e URL=hasp://db/prod -- true; echo $?');
    expect(denied.stdout).toBe('125\n');
    expect(denied.stderr).toContain('No matching allow rule (default deny)');
    expect((await inSession(box, 'other', `${RUN}; echo $?`)).stdout).toBe('125\n');
    const [session] = await box.log('--type', 'session.started');
    expect(await box.log('--type', 'grant.issued')).toMatchObject([
      { agent: 'claude', session: session?.['session'], limitKey: session?.['session'], rule: 'rule-1' },
    ]);
  });

  it('meets a deny rule by name, by path and through a link, in the PATH that it has itself', async () => {
    policy(
      { id: 'no-tool', effect: 'deny', credentialSelector: '*', commandSelector: 'tool*' },
      { credentialSelector: 'db/test' },
    );
    const tool = box.write('bin/tool', '#!/bin/sh\necho ran', 0o755);
    symlinkSync(tool, path.join(box.cwd, 'bin/alias'));
    const runs = ['tool', `${tool} -d x`, './bin/tool', 'alias', './bin/alias', 'true'];
    const script = runs.map((command) => `hasp run -e URL=hasp://db/test -- ${command}; echo $?`).join('; ');
    const env = { PATH: `${path.dirname(tool)}:${box.environment['PATH']}` };
    const { stdout, stderr } = await inSession(box, 'claude', script, { env });
    expect(stdout).toBe('125\n125\n125\n125\n125\n0\n');
    expect(stderr).toContain('Denied by rule "no-tool"');
  });

  it('is allowed the words of a rule, not one word that reads like them, and a path only where it leads', async () => {
    const tool = box.write('bin/tool', '#!/bin/sh\necho ran', 0o755);
    box.write('bin/tool test', '#!/bin/sh\necho ran', 0o755);
    symlinkSync(tool, path.join(box.cwd, 'bin/alias'));
    policy(
      { credentialSelector: 'db/test', commandSelector: 'tool test*' },
      { credentialSelector: 'db/prod', commandSelector: `${tool}*` },
    );
    const words = ['tool test', "'tool test'", './bin/tool test'].map((command) => ['db/test', command]);
    const paths = ['alias', tool, './bin/tool', `'${tool} test'`, 'true'].map((command) => ['db/prod', command]);
    const runs = [...words, ...paths].map(([name, command]) => `hasp run -e URL=hasp://${name} -- ${command}; echo $?`);
    const env = { PATH: `${path.dirname(tool)}:${box.environment['PATH']}` };
    const { stdout } = await inSession(box, 'claude', runs.join('; '), { env });
    expect(stdout.replaceAll('ran\n', '')).toBe('0\n125\n125\n0\n0\n0\n125\n125\n');
  });

  it('gets a target of a trusted manifest only for its agent, its command and its own wishes', async () => {
    const target = { command: ['sh', '-c', 'echo got $URL'], env: { URL: 'hasp://db/test' } };
    const manifest = { version: 1, env: { URL: 'hasp://db/prod' }, targets: { test: target } };
    box.write('hasp.json', JSON.stringify({ ...manifest, agents: { claude: { targets: ['test'] } } }));
    const run = "hasp run -- sh -c 'echo got $URL'; echo $?";
    expect((await inSession(box, 'claude', run)).stdout).toBe('125\n');
    await box.ok(['project', 'trust']);
    expect((await inSession(box, 'claude', run)).stdout).toBe('got [hasp:db/test]\n0\n');
    expect((await inSession(box, 'other', run)).stdout).toBe('125\n');
    expect((await inSession(box, 'claude', 'hasp run --target test -- env; echo $?')).stdout).toBe('125\n');
    expect((await inSession(box, 'claude', 'hasp run -- env; echo $?')).stdout).toBe('125\n');
    expect((await inSession(box, 'claude', 'hasp run -e URL=hasp://db/test -- env; echo $?')).stdout).toBe('125\n');
  });

  it('never opens the vault by itself, key file or not', async () => {
    policy({ credentialSelector: '*' });
    const key = `--key-file "${place(box, 'vault.key')}"`;
    const run = `for how in "" '${key}'; do eval hasp run $how -e URL=hasp://db/test -- true; echo $?; done`;
    const stopped = await inSession(
      box,
      'claude',
      `kill "$(cat pid)"; while [ -e "$HASP_HOME/broker.sock" ]; do sleep 0.01; done; ${run}`,
      {
        env: { PID: await brokerPid() },
      },
    );
    expect(stopped.stdout).toBe('125\n125\n');
    expect(stopped.stderr.match(/none runs/g)).toHaveLength(2);
  });

  it('waits for a person to unlock the broker where that is locked', async () => {
    policy({ credentialSelector: '*' });
    const step = (name: string) => `until [ -e ${name} ]; do sleep 0.02; done`;
    const run = 'hasp run --json -e URL=hasp://db/test -- true; echo "run $?"';
    const running = await liveSession(box, 'claude', `echo live; ${step('one')}; ${run}; ${step('two')}; ${run}`);
    await box.ok(['lock']);
    box.write('one', '');
    await running.printed('run 125');
    await box.ok(['unlock']);
    box.write('two', '');
    const { stdout, stderr } = await running.ended;
    expect(stdout.toString()).toBe('live\nrun 125\nrun 0\n');
    expect(stderr.toString()).toContain('"code":"E_VAULT_LOCKED"');
  });

  it('is masked also where that was not asked for, and refused where it was asked not to be', async () => {
    policy({ credentialSelector: '*' });
    const never = await inSession(box, 'claude', 'hasp run --redact never -e URL=hasp://db/test -- env; echo $?');
    expect(never.stdout).toBe('125\n');
    expect(never.stderr).toContain('--redact never is refused inside an agent session');
  });

  it('is not decided for a person who is told apart by nothing but HASP_SESSION', async () => {
    await box.ok(['unlock']);
    const env = { HASP_SESSION: 'ffffffffffffffff' };
    expect((await box.run(['run', '-e', 'URL=hasp://db/test', '--', 'true'], { env })).status).toBe(0);
    expect((await box.run(['secret', 'rm', 'db/test'], { env })).status).toBe(3);
  });

  async function brokerPid(): Promise<string> {
    await box.ok(['unlock']);
    const { pid } = await box.json<{ pid: number }>(['broker', 'status']);
    box.write('pid', String(pid));
    return String(pid);
  }
});
