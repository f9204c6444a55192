import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { possibleKinds } from './support/escape-kinds.ts';
import type { EscapeArena } from './support/escapes.ts';
import { HASP, isLiving, Sandbox, until } from './support/sandbox.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Those that never come to do anything, or can't even enter the home. */
const IDLE = ['stopped', 'traced', 'reader', 'other-uid', 'nested'];
const KINDS = possibleKinds(false).filter(({ name, through }) => !IDLE.includes(name) && through === undefined);
const LIFE_MS = 60;

let box: Sandbox;
let program: string;

beforeAll(async () => {
  box = await Sandbox.withSecrets({ 'db/test': 'correct-horse-battery', 'db/prod': 'another-value-entirely' });
  program = path.join(box.cwd, 'escapes');
  const source = path.join(ROOT, 'test/programs/escapes/escapes.c');
  execFileSync('cc', ['-O1', '-w', '-pthread', '-o', program, source]);
});
afterAll(async () => {
  await box.run(['broker', 'stop']);
  box.remove();
});

/** What hasp answers to who has hidden: the code of each refusal, or `allowed`. */
async function attempts(
  kind: (typeof KINDS)[number],
  round: string,
  commands: readonly string[],
  once: () => void = () => {},
): Promise<string[]> {
  const folder = path.join(box.cwd, `${kind.name}-${round}`);
  mkdirSync(folder);
  const stamps = path.join(folder, 'stamps');
  const done = path.join(folder, 'done');
  const lines = commands.map((command) => `"${HASP}" ${command} </dev/null >>out 2>&1 && echo allowed >>out`);
  writeFileSync(
    `${stamps}.attempt`,
    // Who escaped may have no environment and no descriptors; of two, the other waits: it may be the first of a namespace.
    `#!/bin/sh
exec 0</dev/null 1>/dev/null 2>&1
export PATH='${process.env['PATH']}' HOME=/nonexistent HASP_HOME='${box.home}'
cd '${folder}' && mkdir once || exec sleep 600
echo hidden >hidden
until [ -e go ]; do sleep 0.01; done
${lines.join('\n')}
echo done >'${done}'
`,
    { mode: 0o755 },
  );
  const arena = { program, hasp: HASP } as unknown as EscapeArena;
  const command = kind.command({ arena, policy: 'wait', stamps, lifeMs: LIFE_MS });
  // The command ends once somebody has hidden; the session goes on until that one is through.
  const script = `"$@"; until [ -s '${done}' ]; do sleep 0.02; done`;
  const running = box.start(['session', 'start', '--agent', 'claude', '--', 'sh', '-c', script, 'sh', ...command]);
  await until(`${kind.name} has hidden`, () => existsSync(path.join(folder, 'hidden')), 30_000).catch(() => {});
  once();
  writeFileSync(path.join(folder, 'go'), '');
  await until(`${kind.name} was through`, () => existsSync(done), 60_000).catch(() => running.child.kill('SIGTERM'));
  await running.ended;
  const said = existsSync(path.join(folder, 'out')) ? readFileSync(path.join(folder, 'out'), 'utf8') : '';
  return said
    .split('\n')
    .flatMap((line) => /"code":"(E_[A-Z_]+)"/.exec(line)?.[1] ?? (line === 'allowed' ? [line] : []));
}

describe('a process that got away from its parents is still inside its session', { timeout: 120_000 }, () => {
  it.concurrent.each(KINDS)('$name: $what', async (kind) => {
    const commands = [
      'secret set mine --json',
      'broker stop --json',
      'session start --agent other --json -- true',
      'run --json -e URL=hasp://db/prod -- true',
    ];
    expect(await attempts(kind, 'broker', commands)).toEqual([
      'E_AGENT_SESSION',
      'E_AGENT_SESSION',
      'E_AGENT_SESSION',
      'E_DENIED',
    ]);
  });
});

describe('and so where the broker was killed meanwhile', { timeout: 120_000 }, () => {
  it.each(KINDS.filter(({ name }) => ['double-fork', 'bare', 'hops', 'namespaces', 'own-reaper'].includes(name)))(
    '$name: $what',
    async (kind) => {
      await box.ok(['unlock']);
      const { pid } = await box.json<{ pid: number }>(['broker', 'status']);
      const commands = ['secret set mine --json', 'run --json -e URL=hasp://db/prod -- true'];
      const said = await attempts(kind, 'alone', commands, () => process.kill(pid, 'SIGKILL'));
      expect(said).toEqual(['E_AGENT_SESSION', 'E_BROKER_UNREACHABLE']);
      expect(isLiving(pid)).toBe(false);
    },
  );
});
