import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CTRL_C, CTRL_Z, Shell } from './support/pty.ts';
import { HASP, Sandbox } from './support/sandbox.ts';
import { place } from './support/sessions.ts';

let box: Sandbox;

beforeAll(async () => {
  box = await Sandbox.withSecrets({ 'db/test': 'correct-horse-battery' });
  const rule = { id: 'one', effect: 'allow', agentSelector: '*', credentialSelector: '*' };
  writeFileSync(place(box, 'policy.json'), JSON.stringify({ version: 1, rules: [rule] }), { mode: 0o600 });
  await box.ok(['unlock']);
});
afterAll(async () => {
  await box.run(['broker', 'stop']);
  box.remove();
});

describe('an agent on a terminal', () => {
  it('gets its keys as without hasp: Ctrl-C, Ctrl-Z, fg', async () => {
    const shell = await Shell.open(box, `${HASP} session start --agent claude --`);
    await shell.enter('$W cat');
    await shell.shows('see hasp doctor');
    await shell.enter('typed');
    await shell.shows('typed\r\n');
    shell.press(CTRL_Z);
    expect((await shell.prompt()).status).toBe(148);
    await shell.enter('fg');
    await shell.enter('again');
    await shell.shows('again\r\n');
    shell.press(CTRL_C);
    expect((await shell.prompt()).status).toBe(130);
    await shell.close();
    expect(await box.log('--type', 'session.ended')).toMatchObject([{ endReason: 'signalled', signal: 'SIGINT' }]);
  });

  it('sees its runs masked there too, on a terminal of their own', async () => {
    const shell = await Shell.open(box, `${HASP} session start --agent claude --`);
    const line = `$W ${HASP} run -e X=hasp://db/test -- sh -c 'test -t 1 && echo "on a terminal: $X"'`;
    const { before, status } = await shell.run(line);
    expect(before).toContain('on a terminal: [hasp:db/test]');
    expect(status).toBe(0);
    await shell.close();
  });
});
