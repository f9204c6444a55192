import { HASP, type Outcome, type Sandbox, type StartOptions } from './sandbox.ts';

/** An answer to type once its question stands on the terminal. */
export interface Exchange {
  readonly question: string;
  readonly answer: string;
  /** Whether Enter is pressed after it; true where absent. */
  readonly enter?: boolean;
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
  const running = sandbox.startOther(['script', '-qefc', `exec ${command}`, '/dev/null'], {
    ...options,
    openStdin: true,
  });
  let shown = '';
  for (const { question, answer, enter = true } of exchanges) {
    shown += question;
    await running.printed(shown);
    running.child.stdin?.write(enter ? `${answer}\r` : answer);
    shown += '\r\n';
  }
  const outcome = await running.ended;
  running.child.stdin?.destroy();
  return outcome;
}
