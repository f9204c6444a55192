import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { filesBelow, HASP, Sandbox, type StartOptions, until } from './support/sandbox.ts';
import { onTerminal } from './support/terminal.ts';

// I6: a value never appears in argv, error, record, JSON, debug line or file left behind.
const CANARY = `canary${randomBytes(16).toString('hex')}`;
const SECOND = `${CANARY}second`;
const SPELLINGS = [CANARY, Buffer.from(CANARY).toString('base64').slice(0, 40), Buffer.from(CANARY).toString('hex')];
const ENV = ['-e', 'KEY=hasp://api/key'];

interface Deed {
  readonly argv: readonly string[];
  readonly how?: StartOptions;
  /** 0 unless said otherwise. */
  readonly status?: number;
  /** stdout is the child's, and may hold the value. */
  readonly shows?: boolean;
}

let box: Sandbox;
let watching = true;
const seenInArgv = new Set<string>();
let watcher: Promise<void>;

beforeAll(() => {
  box = new Sandbox();
  watcher = watchArgv();
});
afterAll(async () => {
  watching = false;
  await watcher;
  box.remove();
});

const stdin = (value: string): StartOptions => ({ stdin: value });
const child = (script: string) => ['--', 'sh', '-c', script];

/** In this order: each finds what the ones before it made. */
function deeds(): Deed[] {
  return [
    { argv: ['init', '--key-file'] },
    { argv: ['init', '--key-file'], status: 2 },
    { argv: ['secret', 'set', 'api/key'], how: stdin(CANARY) },
    { argv: ['secret', 'set', 'api/key', '--json'], how: stdin(CANARY) },
    { argv: ['secret', 'set', `${CANARY}=x`], status: 2 },
    { argv: ['secret', 'set', `name=${CANARY}`], status: 2 },
    { argv: ['secret', 'set', 'name', CANARY], status: 2 },
    { argv: ['secret', 'set', `bad name ${CANARY}`], status: 2, how: stdin(CANARY) },
    { argv: ['secret', 'set', 'from/file', '--file', box.write('value', CANARY)] },
    { argv: ['secret', 'set', 'from/nowhere', '--file', `/nowhere/at/all`], status: 2 },
    { argv: ['secret', 'import', box.write('settings.env', `from/env="${CANARY}"\n`), '--dry-run'] },
    { argv: ['secret', 'import', box.write('settings.env', `from/env="${CANARY}"\n`)] },
    { argv: ['secret', 'import', '-'], how: stdin(`{"from":{"env":"${CANARY}"}}`), status: 2 },
    { argv: ['secret', 'import', '-'], how: stdin(`from/env='${SECOND}'\n${CANARY}\n`), status: 2 },
    { argv: ['secret', 'import', '-'], how: stdin(`${CANARY} x=1\n`), status: 2 },
    { argv: ['secret', 'import', '-', '--json'], how: stdin(`{"a":"${CANARY}","b":["${CANARY}"]}`), status: 2 },
    { argv: ['secret', 'list'] },
    { argv: ['secret', 'list', '--json'] },
    { argv: ['secret', 'show', 'api/key'] },
    { argv: ['secret', 'show', 'missing'], status: 4 },
    { argv: ['secret', 'history', 'api/key', '--json'] },
    { argv: ['secret', 'rotate', 'from/file', '--forget'], how: stdin(SECOND) },
    { argv: ['secret', 'rotate', 'missing'], how: stdin(SECOND), status: 4 },
    { argv: ['secret', 'rename', 'from/file', 'second'] },
    { argv: ['secret', 'placeholder', 'second'] },
    { argv: ['secret', 'placeholder', 'second', '--off', '--json'] },
    { argv: ['secret', 'placeholder', `bad name ${CANARY}`], status: 2 },
    { argv: ['secret', 'reveal', 'api/key'], status: 3 },
    { argv: ['project', 'init'] },
    { argv: ['project', 'show'] },
    { argv: ['project', 'trust'] },
    { argv: ['project', 'untrust'] },
    { argv: ['run', ...ENV, ...child('test -n "$KEY"')] },
    { argv: ['run', ...ENV, ...child('echo "$KEY"; echo "$KEY" >&2; exit 3')], status: 3 },
    { argv: ['run', ...ENV, '--reason', CANARY, '--', 'echo', CANARY] },
    { argv: ['run', '--redact', 'never', ...ENV, ...child('echo "$KEY"')], shows: true },
    { argv: ['run', '--file', 'KEY=hasp://api/key', ...child('cat "$KEY" >/dev/null')] },
    { argv: ['run', '--stdin', 'hasp://api/key', '--', 'cat'] },
    { argv: ['run', ...ENV, '--', './not-there'], status: 127 },
    { argv: ['run', ...ENV, '--', box.write('broken', '#!/no/such', 0o755)], status: 127 },
    { argv: ['run', ...ENV, '--dry-run', '--json', '--', 'true'] },
    { argv: ['run', '-e', `KEY=${CANARY}`, '--', 'true'], status: 125 },
    { argv: ['run', '-e', `KEY=hasp://${CANARY}@${CANARY}`, '--', 'true'], status: 125 },
    { argv: ['run', ...ENV, '--', 'true'], how: { env: { KEY: SECOND } }, status: 125 },
    { argv: ['run', ...ENV, '--ttl', CANARY, '--', 'true'], status: 125 },
    { argv: ['run', ...ENV, '--ttl', '300ms', '--grace', '50ms', '--', 'sleep', '60'], status: 143 },
    { argv: ['run', ...ENV, ...child('setsid sleep 60 & exit 0')] },
    { argv: ['run', ...ENV, ...child(`"${HASP}" run ${ENV.join(' ')} --override -- sh -c 'echo $KEY'`)] },
    { argv: ['get', 'api/key'], status: 3 },
    { argv: ['run', '--ask', 'api/key', ...child(`"${HASP}" get api/key`)] },
    { argv: ['run', '--ask', 'api/key', ...child(`"${HASP}" get second`)], status: 4 },
    { argv: ['redact'], how: stdin(`x ${CANARY} ${SECOND}`) },
    { argv: ['grants'] },
    { argv: ['grants', '--all', '--json'] },
    { argv: ['revoke', '--all'] },
    { argv: ['revoke', 'ffffffffffffffff-1'], status: 4 },
    { argv: ['secret', 'set', 'with/scopes', '--scopes', 'repo:read'], how: stdin(CANARY) },
    { argv: ['secret', 'baseline', 'with/scopes'] },
    { argv: ['agent', 'add', 'claude', '--ttl', '1h'] },
    { argv: ['agent', 'list', '--json'] },
    { argv: ['agent', 'rotate', 'claude'] },
    { argv: ['agent', 'revoke', 'claude'] },
    { argv: ['agent', 'revoke', `not a name ${CANARY}`], status: 2 },
    { argv: ['policy', 'check'] },
    { argv: ['policy', 'check', box.write('policy', `[{ "id": "${CANARY}" }]`)], status: 2 },
    { argv: ['policy', 'test', '--agent', 'claude', '--secret', 'api/key'] },
    { argv: ['vault', 'backup', box.write('backup', '')], status: 2 },
    { argv: ['vault', 'backup', path.join(box.cwd, 'vault.backup'), '--json'] },
    { argv: ['vault', 'backup', path.join(box.cwd, 'vault.backup'), '--new-passphrase'], status: 2 },
    { argv: ['vault', 'restore', path.join(box.cwd, 'vault.backup')], status: 2 },
    {
      argv: ['vault', 'restore', path.join(box.cwd, 'vault.backup'), '--key-file', path.join(box.home, 'vault.key')],
      how: { env: { HASP_HOME: path.join(box.root, 'restored') } },
    },
    { argv: ['vault', 'rekey'] },
    { argv: ['vault', 'rekey', '--json'] },
    { argv: ['audit', 'verify'] },
    { argv: ['audit', 'verify', '--json'] },
    { argv: ['audit', 'checkpoint'] },
    { argv: ['audit', 'checkpoint', '--out', path.join(box.cwd, 'checkpoint'), '--json'] },
    { argv: ['audit', 'verify', '--checkpoint', path.join(box.cwd, 'checkpoint')] },
    { argv: ['audit', 'verify', '--checkpoint', box.write('message', CANARY)], status: 2 },
    { argv: ['audit', 'export'] },
    { argv: ['audit', 'recover'] },
    { argv: ['audit', 'log'] },
    { argv: ['audit', 'log', '--json'] },
    { argv: ['hook', 'install'], status: 2 },
    { argv: ['hook', 'install', '--global'] },
    { argv: ['hook', 'uninstall', '--global'] },
    { argv: ['hook', 'uninstall'], status: 2 },
    { argv: ['hook', 'status'], status: 2 },
    { argv: ['hook', 'pre-commit'], status: 5 },
    { argv: ['hook', 'commit-msg', box.write('message', `more\n\n${CANARY}`)], status: 6 },
    { argv: ['hook', 'pre-push', 'origin', 'nowhere'], how: stdin(`${CANARY}\n`), status: 2 },
    { argv: ['scan'], status: 6 },
    { argv: ['scan', '--json'], status: 6 },
    { argv: ['scan', '--stdin'], how: stdin(`x ${CANARY}`), status: 6 },
    { argv: ['scan', `not/${CANARY}`], status: 2 },
    { argv: ['lock'] },
    { argv: ['broker', 'status'], status: 5 },
    { argv: ['broker', 'reload'], status: 5 },
    { argv: ['broker', 'stop'], status: 5 },
    { argv: ['approve'], status: 5 },
    { argv: ['broker', 'start', '--detach', '--port', '0'] },
    { argv: ['broker', 'start'], status: 2 },
    { argv: ['unlock'] },
    { argv: ['broker', 'status'] },
    { argv: ['run', ...ENV, ...child('echo "$KEY"; echo "$KEY" >&2; exit 3')], status: 3 },
    { argv: ['run', ...ENV, '--reason', CANARY, '--', 'echo', CANARY] },
    { argv: ['run', '--stdin', 'hasp://api/key', '--', 'cat'] },
    { argv: ['run', '--ask', 'api/key', ...child(`"${HASP}" get api/key`)] },
    { argv: ['run', ...ENV, '--', './not-there'], status: 127 },
    { argv: ['broker', 'reload'] },
    { argv: ['session', 'start', '--', 'sh', '-c', 'exit 3'], how: { env: { KEPT_FROM: CANARY } }, status: 3 },
    { argv: ['session', 'start', ...child('env; exit 4')], how: { env: { KEPT_FROM: CANARY } }, status: 4 },
    { argv: ['session', 'start', '--', 'echo', CANARY], shows: true },
    { argv: ['session', 'start', ...child(`"${HASP}" run ${ENV.join(' ')} -- env`)], status: 125 },
    { argv: ['session', 'list', '--json'] },
    { argv: ['session', 'show', 'ffffffffffffffff'], status: 4 },
    { argv: ['session', 'end', 'ffffffffffffffff'], status: 4 },
    { argv: ['approve'] },
    { argv: ['approve', 'ffffffff'], status: 4 },
    { argv: ['lock'] },
    { argv: ['broker', 'stop'] },
    { argv: ['init', '--keyring'], status: 2 },
    { argv: ['doctor'] },
    { argv: ['doctor', '--json'] },
    { argv: ['completion', 'bash'] },
    { argv: ['version'] },
    { argv: ['secret', 'rm', 'second'] },
    { argv: ['secret', 'rm', 'second'], status: 4 },
    { argv: ['--help'] },
  ];
}

it('is in no output, argument, environment, record or file of any command', async () => {
  const tried = deeds();
  await expectEveryCommand(tried.map(({ argv }) => argv));
  for (const { argv, how, status = 0, shows = false } of tried) {
    const outcome = await box.run(argv, how);
    const ended = outcome.status ?? (outcome.signal === 'SIGTERM' ? 143 : outcome.signal);
    // What it was given as an argument is on this test's own account.
    const answer = [outcome.stderr, ...(shows ? [] : [outcome.stdout])].join('\n');
    expect([argv, ended, answer]).toEqual([argv, status, expect.not.stringContaining(CANARY)]);
    for (const spelling of SPELLINGS.slice(1)) expect(answer).not.toContain(spelling);
  }
  expect(seenInArgv).toEqual(new Set());
  expectNowhere(given());
  // Ninety commands, one after the other, on a machine that may be busy.
}, 240_000);

it('is in no file and no environment of the wrapper while a run has it, and in none after TERM or KILL', async () => {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    const argv = [
      'run',
      ...ENV,
      '--file',
      'FILE=hasp://api/key',
      ...child('echo "$FILE"; echo $$; echo ready; exec sleep 60'),
    ];
    const running = box.start(argv);
    await running.printed('ready');
    const environment = existsSync(`/proc/${running.pid}/environ`) ? readable(`/proc/${running.pid}/environ`) : '';
    expect(environment).not.toContain(CANARY);
    for (const file of filesBelow(box.home)) expect([file, readFileSync(file).includes(CANARY)]).toEqual([file, false]);
    running.child.kill(signal);
    const { stdout } = await running.ended;
    const [file = '', pid = ''] = stdout.toString().split('\n');
    await box.ok(['secret', 'list']);
    await until('the delivered file is gone', () => !existsSync(path.dirname(file)));
    await until('the child is gone', () => !existsSync(`/proc/${pid}/exe`) || readable(`/proc/${pid}/cmdline`) === '');
    expectNowhere(given());
  }
});

it('is shown on a terminal to a person who asks, and is in no file after that either', async () => {
  const { stdout } = await onTerminal(box, ['secret', 'reveal', 'api/key'], []);
  expect(stdout.toString()).toContain(CANARY);
  expectNowhere(given());
});

/** What the test itself wrote. */
const given = (): string[] => ['value', 'message', 'policy', 'settings.env'].map((name) => path.join(box.cwd, name));

/** A new command can't be forgotten here. */
async function expectEveryCommand(tried: readonly (readonly string[])[]): Promise<void> {
  const help = await box.ok(['--help']);
  const listed = help
    .slice(0, help.indexOf('First steps'))
    .split('\n')
    .flatMap((line) => {
      const words = /^ {2}hasp ((?:[a-z-]+ ?)+)/.exec(line)?.[1]?.trim();
      return words === undefined ? [] : [words];
    });
  const missing = listed.filter((words) => !tried.some((argv) => argv.join(' ').startsWith(words)));
  expect(missing).toEqual([]);
}

function expectNowhere(but: readonly string[]): void {
  const shared = existsSync('/dev/shm') ? readdirSync('/dev/shm').map((name) => path.join('/dev/shm', name)) : [];
  const folders = [box.root, ...shared.filter((place) => isFolder(place))];
  for (const file of folders.flatMap((folder) => safeFilesBelow(folder))) {
    if (but.includes(file)) continue;
    const text = readable(file);
    for (const spelling of SPELLINGS) expect([file, text.includes(spelling)]).toEqual([file, false]);
  }
}

function isFolder(place: string): boolean {
  try {
    return statSync(place).isDirectory();
  } catch {
    return false;
  }
}

function safeFilesBelow(folder: string): string[] {
  try {
    return filesBelow(folder);
  } catch {
    return [];
  }
}

function readable(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

/** Looks at the arguments of all processes, again and again, for the value in any that this test did not put there. */
async function watchArgv(): Promise<void> {
  while (watching) {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      const argv = readable(`/proc/${pid}/cmdline`);
      if (argv.includes(CANARY) && !isOwn(argv)) seenInArgv.add(argv);
    }
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
}

/** Given by the test as an argument of hasp, or of the command behind `--`. */
function isOwn(argv: string): boolean {
  const given = ['=x', 'name=', 'name\0', 'bad name ', 'a name ', 'echo\0', 'KEY=', 'hasp://', '--ttl\0', 'not/'];
  return given.some((words) => argv.includes(words === '=x' ? `${CANARY}=x` : `${words}${CANARY}`));
}
