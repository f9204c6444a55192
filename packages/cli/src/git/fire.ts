import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { accessSync, constants, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { HookPlace } from './hook-place.ts';
import { GUARDED, type GuardedHook } from './hook-text.ts';
import { type GitPlace, gitOutput } from './process.ts';

/** What happened when a hook was given something that it must stop. */
export interface Fired {
  readonly hook: GuardedHook;
  /** What git would start. */
  readonly file: string;
  readonly blocks: boolean;
  /** Where it does not. */
  readonly why?: string;
}

/** Set where a hook is fired: one more value to look for, which nobody else has. */
export const CANARY_VARIABLE = 'HASP_HOOK_CANARY';
/** What the guard calls it. */
export const CANARY_NAME = 'hook-canary';
const PATIENCE_MS = 60_000;

/**
 * Starts each hook as git would, with a canary in what it looks at: staged in an index of its own, in a message,
 * in a commit to be pushed. The objects lie in a folder of their own. All of it is gone afterwards.
 */
export async function fireHooks(place: GitPlace, found: HookPlace): Promise<Fired[]> {
  const scratch = mkdtempSync(path.join(tmpdir(), 'hasp-fire-'));
  const isBare = found.top === found.common;
  const seen = path.join(isBare ? scratch : found.top, `.hasp-canary-${randomBytes(4).toString('hex')}`);
  try {
    const staged = await prepare(place, found, { scratch, seen });
    const fired: Fired[] = [];
    for (const hook of GUARDED) fired.push(await fire(hook, found, staged));
    return fired;
  } finally {
    rmSync(seen, { force: true });
    rmSync(scratch, { recursive: true, force: true });
  }
}

interface Prepared {
  readonly environment: Readonly<Record<string, string>>;
  readonly commit: string;
  readonly message: string;
}

/** `seen` is the staged file in the work tree, for as long as it takes: it may not look as if it were half staged. */
async function prepare(
  place: GitPlace,
  { top, common }: HookPlace,
  { scratch, seen }: { readonly scratch: string; readonly seen: string },
): Promise<Prepared> {
  const canary = `canary-${randomBytes(16).toString('hex')}`;
  const objects = path.join(scratch, 'objects');
  mkdirSync(objects);
  const lent = [path.join(common, 'objects'), place.environment.get('GIT_ALTERNATE_OBJECT_DIRECTORIES') ?? ''];
  const environment = {
    ...Object.fromEntries(place.environment),
    GIT_OBJECT_DIRECTORY: objects,
    GIT_ALTERNATE_OBJECT_DIRECTORIES: lent.filter((folder) => folder !== '').join(':'),
    GIT_INDEX_FILE: path.join(scratch, 'index'),
    [CANARY_VARIABLE]: canary,
  };
  const here: GitPlace = { cwd: top, environment: new Map(Object.entries(environment)), asUser: true };
  const ask = async (argv: readonly string[], input = '') =>
    (await gitOutput(here, argv, input)).toString('latin1').trim();
  const blob = await ask(['hash-object', '-w', '--stdin'], `${canary}\n`);
  await ask(['read-tree', 'HEAD']).catch(() => ask(['read-tree', '--empty']));
  await ask(['update-index', '--add', '--cacheinfo', `100644,${blob},${path.basename(seen)}`]);
  const tree = await ask(['mktree'], `100644 blob ${blob}\tcanary\n`);
  const author = ['-c', 'user.name=hasp', '-c', 'user.email=hasp@localhost', '-c', 'commit.gpgSign=false'];
  const commit = await ask([...author, 'commit-tree', tree], 'canary\n');
  const message = path.join(scratch, 'message');
  writeFileSync(message, `canary\n\n${canary}\n`);
  writeFileSync(seen, `${canary}\n`);
  return { environment, commit, message };
}

async function fire(hook: GuardedHook, { folder, top }: HookPlace, staged: Prepared): Promise<Fired> {
  const file = path.join(folder, hook);
  try {
    accessSync(file, constants.X_OK);
  } catch {
    return { hook, file, blocks: false, why: 'there is no such hook, or it can not be executed' };
  }
  const argv = { 'pre-commit': [], 'commit-msg': [staged.message], 'pre-push': ['hasp-canary', 'hasp-canary'] }[hook];
  const zeros = '0'.repeat(staged.commit.length);
  const refs = `refs/heads/canary ${staged.commit} refs/heads/canary ${zeros}\n`;
  const { status, said } = await start(file, argv, {
    cwd: top,
    env: { ...staged.environment, GIT_EDITOR: ':' },
    input: hook === 'pre-push' ? refs : '',
  });
  if (status === 0) return { hook, file, blocks: false, why: 'it let a canary through' };
  // It may have failed for a reason of its own.
  const isOurs = said.includes(CANARY_NAME);
  return isOurs
    ? { hook, file, blocks: true }
    : { hook, file, blocks: false, why: 'it failed, and hasp was not asked' };
}

function start(
  file: string,
  argv: readonly string[],
  { cwd, env, input }: { cwd: string; env: Record<string, string>; input: string },
): Promise<{ status: number | null; said: string }> {
  return new Promise((resolve) => {
    const child = spawn(file, [...argv], { cwd, env, stdio: ['pipe', 'pipe', 'pipe'], timeout: PATIENCE_MS });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said = (said + text).slice(-65_536);
      });
    }
    child.on('error', () => resolve({ status: null, said: '' }));
    child.on('close', (status) => resolve({ status, said }));
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}
