import { HASP, type Outcome, type Sandbox, type StartOptions } from './sandbox.ts';

/** An answer to type once its question stands on the terminal. */
export interface Exchange {
  readonly question: string;
  readonly answer: string;
}

/**
 * Runs hasp on a terminal of its own (script(1), with a new session) and types the answers. stdout
 * holds all that the terminal showed.
 */
export async function onTerminal(
  sandbox: Sandbox,
  argv: readonly string[],
  exchanges: readonly Exchange[],
  options: StartOptions = {},
): Promise<Outcome> {
  const command = [HASP, ...argv].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  const running = sandbox.startOther(['script', '-qefc', command, '/dev/null'], { ...options, openStdin: true });
  let shown = '';
  for (const { question, answer } of exchanges) {
    shown += question;
    await running.printed(shown);
    running.child.stdin?.write(`${answer}\r`);
    shown += '\r\n';
  }
  const outcome = await running.ended;
  running.child.stdin?.destroy();
  return outcome;
}
