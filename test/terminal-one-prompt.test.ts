import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Shell } from './support/pty.ts';
import { HASP, Sandbox } from './support/sandbox.ts';

const PASSPHRASE = 'correct horse battery staple';
const RUNS = 20;
const SCRIPT = `
for run in $(seq ${RUNS}); do
  { "$HASP" run -e KEY=hasp://api/key -- sh -c 'exit 0' && echo "$run" >>ended; } 2>>errors &
done
wait`;

let box: Sandbox;
let shell: Shell;
beforeAll(async () => {
  box = new Sandbox();
  const phrase = box.write('phrase', PASSPHRASE, 0o600);
  await box.other(['sh', '-c', `"$HASP" init --passphrase-fd 3 3<"${phrase}"`], { env: { HASP } });
  await box.other(
    ['sh', '-c', `printf value-of-some-length | "$HASP" secret set api/key --passphrase-fd 3 3<"${phrase}"`],
    {
      env: { HASP },
    },
  );
  shell = await Shell.open(box);
});
afterAll(async () => {
  await shell.close();
  await box.run(['broker', 'stop']);
  box.remove();
});

describe('runs that start at once while the vault is locked', () => {
  it('ask once, and all get what they are granted', async () => {
    box.write('many.sh', SCRIPT);
    await shell.enter('sh many.sh');
    await shell.shows('Passphrase: ');
    shell.press(`${PASSPHRASE}\r`);
    const { before } = await shell.prompt();
    expect(before).not.toContain('Passphrase');
    expect(readFileSync(path.join(box.cwd, 'ended'), 'utf8').trim().split('\n')).toHaveLength(RUNS);
    const broker = JSON.parse((await box.run(['broker', 'status', '--json'])).stdout.toString());
    expect(broker).toMatchObject({ isUnlocked: true });
  });
});
