import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMMANDS } from '../packages/cli/src/commands.ts';
import { HASP, Sandbox } from './support/sandbox.ts';
import { inSession, liveSession, place, sessions } from './support/sessions.ts';
import { onTerminal } from './support/terminal.ts';

const VALUE = 'correct-horse-battery';

let box: Sandbox;

beforeAll(async () => {
  box = await Sandbox.withSecrets({ 'db/test': VALUE, 'db/prod': 'another-value-entirely' });
  const rule = (id: string, agentSelector: string, credentialSelector: string) => ({
    ...{ id, effect: 'allow', agentSelector, credentialSelector },
  });
  const limited = { ...rule('three', 'limited', 'db/test'), constraints: { maxUses: 1 } };
  const twice = { ...rule('four', 'twice', 'db/test'), constraints: { maxUses: 2 } };
  const rules = [rule('one', 'claude', 'db/test'), rule('two', 'other', 'db/prod'), limited, twice];
  writeFileSync(place(box, 'policy.json'), JSON.stringify({ version: 1, rules }), { mode: 0o600 });
  await box.ok(['unlock']);
  box.write('hasp.json', JSON.stringify({ version: 1, env: { A: 'hasp://db/test' } }));
});
afterAll(async () => {
  await box.run(['revoke', '--all']);
  await box.run(['broker', 'stop']);
  box.remove();
});

const codeIn = (text: string): string[] => [...text.matchAll(/"code":"(E_[A-Z_]+)"/g)].map(([, code]) => code ?? '');

const REFUSED = [
  'secret set mine',
  'secret import .env',
  'secret import .env --dry-run',
  'secret rm db/test',
  'secret rename db/test db/other',
  'secret rotate db/test',
  'secret baseline db/test',
  'secret reveal db/test',
  'secret placeholder db/test',
  'project trust',
  'project untrust',
  'init',
  'unlock',
  'lock',
  'agent add evil',
  'agent rotate evil',
  'agent revoke evil',
  'broker start',
  'broker stop',
  'broker reload',
  'approve',
  'approve ffffffff',
  'hook uninstall',
  'doctor --fix',
  'revoke --all',
  'session start --agent other -- true',
  'audit log --session ffffffffffffffff',
];

describe('inside a session', () => {
  it('is refused whatever shows plaintext or administers, with E_AGENT_SESSION and 3', async () => {
    const script = REFUSED.map((words) => `hasp ${words} --json </dev/null 2>&1; echo "status $?"`);
    const json = script.map((line) => line.replace(/ -- true --json/, ' --json -- true')).join('\n');
    const { stdout } = await inSession(box, 'claude', json);
    expect(stdout.match(/status \d+/g)).toEqual(REFUSED.map(() => 'status 3'));
    expect(codeIn(stdout)).toEqual(REFUSED.map(() => 'E_AGENT_SESSION'));
    expect(await box.json(['secret', 'list'])).toMatchObject({ secrets: [{ name: 'db/prod' }, { name: 'db/test' }] });
  });

  it('is refused every command of the grammar that does not say otherwise', () => {
    const open = COMMANDS.filter(({ inSession: said }) => said !== undefined).map(({ usage }) => usage.split(' [')[0]);
    const shut =
      /^(?:init|secret (?:set|rm|rename|rotate|reveal|baseline|import)|project (?:un)?trust|(?:un)?lock|agent (?:add|rotate|revoke)|broker (?:start|stop|reload)|approve|hook uninstall|vault )/;
    expect(open.filter((usage) => shut.test(usage ?? ''))).toEqual([]);
  });

  it('is allowed what tells no value', async () => {
    const allowed = [
      'secret list',
      'scan .',
      'doctor',
      'version',
      'completion bash',
      'redact',
      'project show',
      'broker status',
    ];
    const script = allowed.map((words) => `hasp ${words} </dev/null >/dev/null 2>&1; echo $?`).join('\n');
    expect((await inSession(box, 'claude', script)).stdout.trim().split('\n')).toEqual(allowed.map(() => '0'));
  });

  it('HASP_ALLOW_LEAK lets nothing into git', async () => {
    const folder = path.join(box.cwd, 'repository');
    execFileSync('git', ['init', '-q', folder]);
    writeFileSync(path.join(folder, 'file'), VALUE);
    execFileSync('git', ['add', 'file'], { cwd: folder });
    const env = { HASP_ALLOW_LEAK: 'I am sure' };
    const hook = `cd repository; unset HASP_SESSION; hasp hook pre-commit; echo "status $?"`;
    const { stdout, stderr } = await inSession(box, 'claude', hook, { env });
    expect([stdout, stderr]).toEqual(['status 3\n', expect.stringContaining('HASP_ALLOW_LEAK is refused')]);
  });

  it('no passphrase is asked for, for it would be typed for the agent', async () => {
    const other = new Sandbox();
    const pass = other.write('pass', 'a passphrase\n', 0o600);
    const through = (argv: string) => other.other(['sh', '-c', `"$0" ${argv} --passphrase-fd 3 3<'${pass}'`, HASP]);
    await through('init');
    await through('unlock');
    const started = `session start -- ${HASP} secret list`;
    const { stdout } = await onTerminal(other, started.split(' '), []);
    expect(stdout.toString()).toContain('no passphrase is asked for');
    await other.run(['broker', 'stop']);
    other.remove();
  });
});

describe('nobody acts as another agent', () => {
  it('sees another’s grants, records or session', async () => {
    const holds = 'hasp run -e X=hasp://db/prod -- sh -c "echo live; exec sleep 600"';
    await liveSession(box, 'other', holds);
    const [theirs] = await sessions(box);
    const id = theirs?.id ?? '';
    const script = `hasp grants --json; hasp grants --all --json; hasp session list --json; hasp audit log --json
      hasp session show ${id}; echo $?; hasp session end ${id}; echo $?; hasp revoke other; echo $?; hasp revoke ${theirs?.grants[0]}; echo $?`;
    const { stdout } = await inSession(box, 'claude', script);
    expect(stdout).not.toMatch(/db\/prod|"agent":"other"/);
    expect(stdout).toContain('"agent":"claude"');
    expect(stdout.trim().split('\n').slice(-4)).toEqual(['4', '4', '3', '3']);
    expect(await sessions(box)).toMatchObject([{ id, grants: [{}] }]);
    // Its variables in another's environment make nobody what they name.
    const stolen = `HASP_SESSION=${id} hasp run -e X=hasp://db/prod -- true; echo $?; HASP_SESSION=${id} hasp grants --json`;
    expect((await inSession(box, 'claude', stolen)).stdout).toBe('125\n{"grants":[]}\n');
    await box.ok(['revoke', 'other']);
  });

  it('by a file that names it, or by taking the right one away', async () => {
    const script = `
      file=$(ls "$HASP_HOME"/run/*.session.json)
      sed "s/$HASP_SESSION/eeeeeeeeeeeeeeee/; s/claude/other/" "$file" >"$HASP_HOME/run/eeeeeeeeeeeeeeee.session.json"
      chmod 600 "$HASP_HOME"/run/eeee*; hasp run -e X=hasp://db/prod -- true; echo $?
      rm -f "$HASP_HOME"/run/*.session.json
      for how in 'hasp run -e X=hasp://db/prod -- true' 'env -i PATH="$PATH" HASP_HOME="$HASP_HOME" "${HASP}" secret set mine'; do
        eval "$how" </dev/null; echo $?
      done`;
    const { stdout } = await inSession(box, 'claude', script);
    expect(stdout).toBe('125\n125\n3\n');
    expect(readdirSync(place(box, 'run'))).toEqual([]);
    expect((await box.log('--type', 'session.ended')).at(-1)).toMatchObject({ agent: 'claude', endReason: 'exited' });
  });

  it('by a session within its own', async () => {
    const inner = `hasp session start --agent claude -- sh -c '"${HASP}" run -e X=hasp://db/test -- true; echo $?; "${HASP}" session list --json'`;
    const { stdout } = await inSession(box, 'claude', inner);
    const [status, list] = stdout.split('\n');
    const started = await box.log('--type', 'session.started');
    expect(status).toBe('0');
    expect(JSON.parse(list ?? '')).toMatchObject({
      sessions: [{ id: started.at(-1)?.['session'], parent: started.at(-2)?.['session'] }],
    });
  });

  it('or gets anew what it has used up, by a session within its own', async () => {
    const run = 'hasp run -e X=hasp://db/test -- true; echo $?';
    const inner = `hasp session start --agent limited -- sh -c '"${HASP}" run -e X=hasp://db/test -- true; echo $?'`;
    expect((await inSession(box, 'limited', `${run}; ${run}; ${inner}`)).stdout).toBe('0\n125\n125\n');
    expect((await inSession(box, 'limited', run)).stdout).toBe('0\n');
  });

  it('or wins back a use that it has had, by asking along with it for what it is denied', async () => {
    const one = 'hasp run -e X=hasp://db/test -- true 2>/dev/null; echo $?';
    const dry = 'hasp run --dry-run -e X=hasp://db/test -e Y=hasp://db/prod -- true >/dev/null 2>&1';
    const both = 'hasp run -e X=hasp://db/test -e Y=hasp://db/prod -- true 2>/dev/null; echo $?';
    const { stdout } = await inSession(box, 'twice', [one, both, dry, one, both, dry, one].join('; '));
    expect(stdout).toBe('0\n125\n0\n125\n125\n');
  });

  it('over the wire: no claim, and no token of the owner', async () => {
    const other = await Sandbox.withSecrets({ 'db/prod': VALUE });
    await other.ok(['broker', 'start', '--detach', '--port', '0']);
    const { httpPort } = await other.json<{ httpPort: number }>(['broker', 'status']);
    const body = `-d '{"agentId":"other","credentialName":"db/prod"}' -H 'Content-Type: application/json'`;
    const token = '-H "Authorization: Bearer $(cat "$HASP_HOME"/broker.token)"';
    const ask = (where: string) => `curl -s -o /dev/null -w '%{http_code}\\n' ${body} ${where}`;
    const script = [
      ask(`--unix-socket "$HASP_HOME/broker.sock" http://hasp/resolve`),
      ask(`${token} --unix-socket "$HASP_HOME/broker.sock" http://hasp/resolve`),
      ask(`${token} http://127.0.0.1:${httpPort}/resolve`),
      `setsid -w env -i sh -c 'curl -s -o /dev/null -w "%{http_code}\\n" -H "Authorization: Bearer $(cat "$0"/broker.token)" http://127.0.0.1:${httpPort}/v1/grants' "$HASP_HOME"`,
    ].join('\n');
    const { stdout } = await inSession(other, 'claude', script);
    expect(stdout).toBe('403\n403\n403\n403\n');
    expect((await other.other(['sh', '-c', script.split('\n')[2] ?? ''])).stdout.toString()).toBe('403\n');
    await other.run(['broker', 'stop']);
    other.remove();
  });
});

it('a value is shown on a terminal that was opened outside of every session, and on no other', async () => {
  await liveSession(box, 'claude');
  const shown = await onTerminal(box, ['secret', 'reveal', 'db/test'], []);
  expect(shown.stdout.toString()).toContain(VALUE);
  const inside = await inSession(box, 'claude', `script -qefc '"${HASP}" secret reveal db/test' /dev/null </dev/null`);
  expect(inside.stdout).toContain('is refused inside an agent session');
  expect(inside.stdout).not.toContain(VALUE);
  expect(existsSync(place(box, 'broker.sock'))).toBe(true);
});
