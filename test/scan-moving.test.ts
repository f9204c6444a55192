import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Sandbox, until } from './support/sandbox.ts';
import { scanIn } from './support/scan.ts';

const VALUE = 'correct-horse-battery-staple';

let box: Sandbox;
beforeAll(async () => {
  box = await Sandbox.withSecrets({ 'db/url': VALUE });
});
afterAll(() => box.remove());

it('a file that grows without end is read up to a bound', async () => {
  mkdirSync(path.join(box.cwd, 'grows'));
  const script = 'while :; do head -c 4000000 /dev/zero; done >>grows/file & echo $!; wait';
  const writer = box.startOther(['sh', '-c', script]);
  await until('it has begun to grow', async () => (await scanIn(box, ['grows'])).scanned.bytes > 0);
  const { scanned } = await scanIn(box, ['grows']);
  expect(scanned.files).toBe(1);
  process.kill(-writer.pid, 'SIGKILL');
  await writer.ended;
}, 60_000);

it('what vanishes, shrinks or turns into something else on the way breaks nothing', async () => {
  const folder = path.join(box.cwd, 'moves');
  for (let at = 0; at < 40; at += 1) {
    mkdirSync(path.join(folder, `${at}`), { recursive: true });
    for (let file = 0; file < 50; file += 1) writeFileSync(path.join(folder, `${at}/${file}`), 'x'.repeat(5_000));
  }
  const script = `cd "$0"; i=0; while :; do i=$((i+1)); for f in */7 */8 */9; do
    rm -f "$f"; mkfifo "$f"; rm -f "$f"; ln -s nowhere "$f"; rm -f "$f"; mkdir "$f"; rmdir "$f"; echo x >"$f"; done; done`;
  const mover = box.startOther(['sh', '-c', script, folder]);
  for (let round = 0; round < 10; round += 1) {
    const { status, findings, skipped } = await scanIn(box, ['moves']);
    expect([status, findings, skipped.filter(({ why }) => !/^is a (?:pipe|socket)/.test(why))]).toEqual([0, [], []]);
  }
  process.kill(-mover.pid, 'SIGKILL');
  await mover.ended;
}, 60_000);

it('a file of /proc, which has no size, is read', async () => {
  expect((await scanIn(box, ['/proc/self/status'])).scanned.bytes).toBeGreaterThan(100);
});
