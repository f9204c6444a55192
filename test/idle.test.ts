import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Workshop } from './programs/workshop.ts';
import { Sandbox, until } from './support/sandbox.ts';

const WATCHED_S = 4;
const mayTrace = spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0;

let box: Sandbox;
let workshop: Workshop;
beforeAll(async () => {
  box = await Sandbox.withSecrets({ key: 'value-of-the-idle' });
  workshop = new Workshop();
});
afterAll(() => {
  box.remove();
  workshop.close();
});

/** The system calls with which any thread of a process woke up within some seconds. */
async function wakeUps(pid: number): Promise<string[]> {
  const file = path.join(box.root, 'trace');
  const strace = spawn('strace', ['-f', '-o', file, '-p', String(pid)], { stdio: ['ignore', 'ignore', 'pipe'] });
  await new Promise((resolve) => strace.stderr.once('data', resolve));
  await new Promise((resolve) => setTimeout(resolve, WATCHED_S * 1_000));
  strace.kill('SIGINT');
  await new Promise((resolve) => strace.once('close', resolve));
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  // Every thread waits in a call when it is traced first; what is not such a wait was done awake.
  expect(lines.length).toBeGreaterThan(2);
  return lines.filter(
    (line) => /\b(?:epoll_p?wait2?|futex|poll|ppoll)\b/.test(line) && !/unfinished|detached/.test(line),
  );
}

it.runIf(mayTrace)('a wrapper that waits wakes up at most once a second, whatever other runs write', async () => {
  const running = box.start(['run', '-e', 'KEY=hasp://key', '--', 'sh', '-c', 'echo ready; exec sleep 60']);
  await running.printed('ready');
  await until('it has settled', () => readdirSync(path.join(box.home, 'run')).length === 1);
  const draft = path.join(box.home, 'run', 'ffffffffffffffff.json.1.tmp');
  const other = path.join(box.home, 'run', 'ffffffffffffffff.json');
  const writing = setInterval(() => {
    writeFileSync(draft, '{}');
    renameSync(draft, other);
  }, 50);
  const woken = await wakeUps(running.pid);
  clearInterval(writing);
  rmSync(other);
  expect(woken.length).toBeLessThanOrEqual(WATCHED_S);
  running.child.kill('SIGTERM');
  await running.ended;
});

it('200 children and 200 orphans at once leave no zombie while the command goes on, and its own exit code', async () => {
  const many = workshop.compile('many-children');
  const script = `${many} 200; echo $?; echo over; while [ ! -f on ]; do sleep 0.02; done; exit 43`;
  const running = box.start(['run', '-e', 'KEY=hasp://key', '--', 'sh', '-c', script]);
  await running.printed('over');
  const children = () => readFileSync(`/proc/${running.pid}/task/${running.pid}/children`, 'utf8').trim().split(' ');
  // The orphans end within 50 ms; what stays is the command.
  await until('no zombie is left', () => children().length === 1);
  box.write('on', '');
  const { status, stdout, stderr } = await running.ended;
  expect([status, stdout.toString(), stderr.toString()]).toEqual([43, '42\nover\n', '']);
  expect((await box.log()).at(-1)).toMatchObject({ exitCode: 43, survivors: [], clean: true });
});
