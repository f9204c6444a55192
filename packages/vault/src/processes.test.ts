import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Home } from '@hasp/core';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bytesOf, Database } from './database.ts';
import { openVaultWithKeyFile, readVaultHeader } from './open.ts';
import { codeOf, isAnywhere, KEY, textOf, withHome, withVault } from './scratch.ts';

/**
 * `set HOME KEY PREFIX COUNT` says each name once it is stored; `remove` takes the same names away and says
 * whether their bytes may still be there; `create HOME KEY` makes a vault.
 */
const PROGRAM = `
import { randomBytes } from 'node:crypto';
import { homeAt } from '@hasp/core';
import { createVault, openVaultWithKeyFile } from './index.ts';
const [deed, root, hex, prefix, count] = process.argv.slice(2);
const key = { source: 'key-file', bytes: Buffer.from(hex, 'hex') };
const say = (line) => require('node:fs').writeSync(1, line + '\\n');
async function set() {
  const vault = openVaultWithKeyFile(homeAt(root), key);
  for (let i = 0; i < Number(count); i++) {
    const name = prefix + i;
    await vault.set(name, Buffer.from('value of ' + name));
    say(name);
  }
}
async function remove() {
  const vault = openVaultWithKeyFile(homeAt(root), key);
  for (let i = 0; i < Number(count); i++) {
    vault.remove(prefix + i);
    say(String(vault.erasePending));
  }
}
async function create() {
  say('ready');
  await createVault(homeAt(root), key, randomBytes, Date.now);
  say('made');
}
({ set, remove, create })[deed]().catch((error) => {
  say(String(error.code ?? error));
  process.exitCode = 1;
});`;

const folder = mkdtempSync(`${tmpdir()}/hasp-vault-program-`);
const program = `${folder}/program.cjs`;
const here = fileURLToPath(new URL('.', import.meta.url));
const modules = fileURLToPath(new URL('../../../node_modules', import.meta.url));

beforeAll(async () => {
  await build({
    stdin: { contents: PROGRAM, resolveDir: here, loader: 'ts' },
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    supported: { 'dynamic-import': false },
    external: ['better-sqlite3', 'libsodium-wrappers', 'libsodium-wrappers-sumo', '@node-rs/argon2'],
    define: { 'import.meta.url': '__filename' },
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Child {
  readonly process: ChildProcess;
  readonly lines: string[];
  /** Resolves with the exit status, or null if it was killed, once all it said was read. */
  readonly ended: Promise<number | null>;
}

function start(
  deed: string,
  home: Home,
  args: readonly string[],
  onLine: (child: Child) => void = () => undefined,
): Child {
  const argv = [program, deed, home.root, Buffer.from(KEY.bytes).toString('hex'), ...args];
  const started = spawn(process.execPath, argv, { env: { NODE_PATH: modules }, stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  const ended = once(started, 'close').then(([status]) => status as number | null);
  const child = { process: started, lines, ended };
  if (!started.stdout) throw new Error('no stdout');
  createInterface(started.stdout).on('line', (line) => {
    lines.push(line);
    onLine(child);
  });
  return child;
}

it('eight processes that set 25 secrets each at once lose none', () =>
  withVault(async (vault, home) => {
    const children = Array.from({ length: 8 }, (_, index) => start('set', home, [`p${index}/n`, '25']));
    expect(await Promise.all(children.map((child) => child.ended))).toEqual(Array(8).fill(0));
    const said = children.flatMap((child) => child.lines).sort();
    expect(said).toHaveLength(200);
    expect(vault.list().map(({ name }) => name)).toEqual(said);
    for (const name of said) expect(textOf(vault, name)).toBe(`value of ${name}`);
  }));

it('four processes that remove at once leave no byte of it', () =>
  withVault(async (vault, home) => {
    const prefixes = ['a', 'b', 'c', 'd'];
    for (const prefix of prefixes) for (let i = 0; i < 8; i++) await vault.set(prefix + i, Buffer.from('x'));
    const database = new Database(home.vault);
    const sealed = database.rows('SELECT sealed FROM versions').map((row) => bytesOf(row, 'sealed').subarray(32, 64));
    database.close();
    const children = prefixes.map((prefix) => start('remove', home, [prefix, '8']));
    expect(await Promise.all(children.map((child) => child.ended))).toEqual([0, 0, 0, 0]);
    expect(children.flatMap((child) => child.lines)).toEqual(Array(32).fill('false'));
    expect(vault.list()).toEqual([]);
    expect(sealed).toHaveLength(32);
    for (const bytes of sealed) expect(isAnywhere(home, bytes)).toBe(false);
  }));

it('writers killed at any moment lose nothing that they said was stored', () =>
  withVault(async (vault, home) => {
    const said: string[] = [];
    for (let round = 0; round < 6; round++) {
      const kill = (child: Child) => {
        if (child.lines.length === 3 + round * 2) setTimeout(() => child.process.kill('SIGKILL'), round % 3);
      };
      const children = ['a', 'b'].map((one) => start('set', home, [`r${round}${one}`, '100000'], kill));
      expect(await Promise.all(children.map((child) => child.ended))).toEqual([null, null]);
      said.push(...children.flatMap((child) => child.lines));
    }
    const again = openVaultWithKeyFile(home, KEY);
    const names = new Set(again.list().map(({ name }) => name));
    for (const name of said) expect(names.has(name)).toBe(true);
    for (const name of names) expect(textOf(again, name)).toBe(`value of ${name}`);
    again.close();
    expect(await vault.set('after', Buffer.from('x'))).toBe(1);
  }));

it('a kill while a vault is made leaves a whole one or none', async () => {
  const outcomes = new Set<string | undefined>();
  for (let round = 0; round < 12; round++) {
    await withHome(async (home) => {
      const kill = (child: Child) => {
        if (child.lines.length === 1) setTimeout(() => child.process.kill('SIGKILL'), round * 3);
      };
      await start('create', home, [], kill).ended;
      const outcome = await codeOf(() => readVaultHeader(home));
      outcomes.add(outcome);
      const second = start('create', home, []);
      await second.ended;
      expect(second.lines).toEqual(['ready', outcome === 'E_VAULT_MISSING' ? 'made' : 'E_EXISTS']);
      openVaultWithKeyFile(home, KEY).close();
      expect(readdirSync(home.root)).toEqual(['vault.db']);
    });
  }
  for (const outcome of outcomes) expect([undefined, 'E_VAULT_MISSING']).toContain(outcome);
});
