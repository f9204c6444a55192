import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Workshop } from '../../../../test/programs/workshop.ts';

describe('supervision without koffi', { timeout: 30_000 }, () => {
  let workshop: Workshop;
  beforeAll(() => {
    workshop = new Workshop();
  });
  afterAll(() => workshop.close());
  const tracking = 'best-effort';

  it('gives exit code, signal, output and input as they are', async () => {
    expect(await workshop.supervise(['sh', '-c', 'exit 7'], { tracking })).toMatchObject({ code: 7 });
    expect(await workshop.supervise(['sh', '-c', 'kill -TERM $$'], { tracking })).toMatchObject({ signal: 'SIGTERM' });
    const echoed = await workshop.supervise(['sh', '-c', 'cat; echo err >&2'], {
      tracking,
      redact: 'both',
      stdin: 'in\0put',
    });
    expect(echoed).toMatchObject({ stderr: 'err\n', code: 0 });
    expect(echoed.stdout.toString()).toBe('in\0put');
  });

  it('says by its status that a command can not be started', async () => {
    expect((await workshop.supervise(['/etc/passwd'], { tracking })).code).toBe(126);
    expect((await workshop.supervise(['no-such-command'], { tracking })).code).toBe(127);
  });

  it('ends stragglers that it has seen', async () => {
    const outcome = await workshop.supervise(['sh', '-c', 'sleep 60 & sleep 0.5; exit 4'], { tracking });
    expect(outcome).toMatchObject({ code: 4, end: { survivors: [{ command: 'sleep', outcome: 'terminated' }] } });
  });

  it('ends the whole tree at its ttl', async () => {
    const outcome = await workshop.supervise(['sh', '-c', 'sleep 60 & sleep 61'], { tracking, ttlMs: 300 });
    expect(outcome.end).toMatchObject({ cause: 'ttl', exit: { signal: 'SIGTERM' } });
  });
});
