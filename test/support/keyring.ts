import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { describe } from 'vitest';
import { type Outcome, Sandbox, type StartOptions, until } from './sandbox.ts';

const PASSWORD = 'the password of a login';

/** Debian's gnome-keyring, dbus and libsecret-tools. */
const hasKeyring = ['gnome-keyring-daemon', 'dbus-run-session', 'dbus-send', 'secret-tool'].every(
  (tool) => spawnSync('which', [tool]).status === 0,
);

/** describe, but where there is none: .ci/run installs it, so that nothing is skipped there. */
export const withKeyring = describe.skipIf(!hasKeyring && process.env['CI'] === undefined);

interface Fault {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/** What a command with --json said last. */
export function faultOf({ stderr }: Outcome): Fault {
  const line = stderr.toString().trim().split('\n').at(-1) ?? '';
  return (JSON.parse(line) as { error: Fault }).error;
}

/** A login with a session bus of its own, and on it a real gnome-keyring, unlocked. */
export class KeyringLogin {
  readonly env: Readonly<Record<string, string>>;
  readonly #box: Sandbox;
  readonly #session: ChildProcess;

  private constructor(box: Sandbox, session: ChildProcess, env: Readonly<Record<string, string>>) {
    this.#box = box;
    this.#session = session;
    this.env = env;
  }

  static async open(box: Sandbox, name = 'login'): Promise<KeyringLogin> {
    const home = path.join(box.root, name);
    const runtime = path.join(home, 'runtime');
    mkdirSync(runtime, { recursive: true });
    chmodSync(runtime, 0o700);
    const own = { HOME: home, XDG_RUNTIME_DIR: runtime };
    // cat holds the session until its stdin ends.
    const inside =
      'gnome-keyring-daemon --foreground --unlock --components=secrets <&3 & echo "$DBUS_SESSION_BUS_ADDRESS"; cat';
    const session = spawn('dbus-run-session', ['--', 'sh', '-c', inside], {
      env: { PATH: process.env['PATH'] ?? '', ...own },
      stdio: ['pipe', 'pipe', 'ignore', 'pipe'],
    });
    (session.stdio[3] as NodeJS.WritableStream).end(PASSWORD);
    let address = '';
    session.stdout?.on('data', (chunk: Buffer) => {
      address += chunk.toString();
    });
    await until('the session has a bus', () => address.endsWith('\n'));
    const login = new KeyringLogin(box, session, {
      DBUS_SESSION_BUS_ADDRESS: address.trim(),
      XDG_RUNTIME_DIR: runtime,
    });
    await until('the keyring is on it', async () =>
      (
        await login.#call(
          'org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus.NameHasOwner string:org.freedesktop.secrets',
        )
      ).includes('true'),
    );
    return login;
  }

  /** As the desktop does when a person goes away. */
  async lock(): Promise<void> {
    const collection = '/org/freedesktop/secrets/collection/login';
    await this.#call(
      `org.freedesktop.secrets /org/freedesktop/secrets org.freedesktop.Secret.Service.Lock array:objpath:${collection}`,
    );
  }

  /** secret-tool, with its arguments. */
  async tool(argv: readonly string[], stdin = ''): Promise<string> {
    const { stdout, stderr } = await this.#box.other(['secret-tool', ...argv], { env: this.env, stdin });
    return `${stdout}${stderr}`;
  }

  /** What it has of hasp, locked or not. */
  entries(): Promise<string> {
    return this.tool(['search', '--all', 'service', 'hasp']);
  }

  close(): void {
    this.#session.stdin?.end();
  }

  async #call(words: string): Promise<string> {
    const [destination = '', ...rest] = words.split(' ');
    const call = ['dbus-send', '--session', '--print-reply', `--dest=${destination}`, ...rest];
    return (await this.#box.other(call, { env: this.env })).stdout.toString();
  }
}

/** A home of its own, and a login for it. */
export interface LoggedIn {
  readonly box: Sandbox;
  readonly login: KeyringLogin;
  /** As that login starts things. */
  readonly how: (more?: StartOptions) => StartOptions;
  readonly leave: () => void;
}

export async function logIn(): Promise<LoggedIn> {
  const box = new Sandbox();
  const login = await KeyringLogin.open(box);
  const how = (more: StartOptions = {}): StartOptions => ({ ...more, env: { ...login.env, ...more.env } });
  const leave = () => {
    login.close();
    box.remove();
  };
  return { box, login, how, leave };
}

export const KEYRING_VALUE = 'value-behind-a-keyring';
/** Of a vault that `initKeyring` made: prints its value. */
export const KEYRING_RUN = [
  'run',
  '--redact',
  'never',
  '-e',
  'KEY=hasp://api/key',
  '--',
  'sh',
  '-c',
  'printf %s "$KEY"',
];

/** A vault in the keyring, with one secret. @returns its id */
export async function initKeyring({ box, how }: LoggedIn): Promise<string> {
  const { vault } = await box.json<{ vault: string }>(['init', '--keyring'], how());
  await box.ok(['secret', 'set', 'api/key'], how({ stdin: KEYRING_VALUE }));
  return vault;
}

/** A PATH on which everything is but this. */
export function pathWithout(box: Sandbox, tool: string): string {
  const folder = path.join(box.root, `without-${tool}`);
  mkdirSync(folder);
  for (const from of (process.env['PATH'] ?? '').split(':').reverse()) {
    for (const name of namesIn(from)) {
      if (name === tool) continue;
      try {
        symlinkSync(path.join(from, name), path.join(folder, name));
      } catch {
        // Another folder of PATH has it too.
      }
    }
  }
  return folder;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** The keys that stand in an entry, as hasp writes them. */
export function keysIn(entries: string): string[] {
  return [...entries.matchAll(/^secret = (.*)$/gm)].flatMap(([, text = '']) => text.split(','));
}

export function isInFile(file: string, key: string): boolean {
  const bytes = readFileSync(file);
  return bytes.includes(key) || bytes.includes(Buffer.from(key, 'hex'));
}
