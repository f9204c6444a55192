import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Running, type Sandbox, type StartOptions, until } from './sandbox.ts';

const programs = fileURLToPath(new URL('../programs/', import.meta.url));

export const STORM: string = path.join(programs, 'ask-storm.cjs');

/** Whether namespaces of one's own can be made: as root, and not in every container. */
export const mayUnshare: boolean =
  process.getuid?.() === 0 && spawnSync('unshare', ['--mount', '--pid', '--fork', '--mount-proc', 'true']).status === 0;

/** Compiles test/programs/ask.c into the sandbox. @returns its path */
export function compileAsk(sandbox: Sandbox): string {
  const binary = path.join(sandbox.root, 'ask');
  execFileSync('cc', ['-O1', '-w', '-o', binary, path.join(programs, 'ask.c')]);
  chmodSync(binary, 0o755);
  return binary;
}

/** The built command in a place where koffi is not installed. @returns its path */
export function appWithoutKoffi(sandbox: Sandbox): string {
  const root = path.join(programs, '../..');
  const app = path.join(sandbox.root, 'app');
  mkdirSync(path.join(app, 'node_modules'), { recursive: true });
  for (const name of readdirSync(path.join(root, 'node_modules'))) {
    if (name.startsWith('.') || name === 'koffi' || name === '@koromix') continue;
    symlinkSync(path.join(root, 'node_modules', name), path.join(app, 'node_modules', name));
  }
  const cli = path.join(app, 'packages/cli');
  for (const part of ['bin', 'dist'])
    cpSync(path.join(root, 'packages/cli', part), path.join(cli, part), { recursive: true });
  return path.join(cli, 'bin/hasp');
}

/** A live run that was granted something to fetch. */
export interface AskedRun extends Running {
  readonly socket: string;
  readonly grant: string;
  /** Writes the file `over`, which the command waits for, and waits for the end of the run. */
  end(): Promise<void>;
}

/** Starts `hasp run OPTIONS` on a script of sh that goes on until the file `over` is there. */
export async function startAsked(
  sandbox: Sandbox,
  options: readonly string[],
  script = '',
  how: StartOptions = {},
): Promise<AskedRun> {
  const whole = `rm -f over; echo "$HASP_SOCKET $HASP_GRANT" >told.new; mv told.new told; ${script}
# The second: a test that failed has removed its sandbox.
while [ ! -f over ] && [ -f told ]; do sleep 0.02; done`;
  sandbox.write('told', '');
  const running = sandbox.start(['run', '--redact', 'never', ...options, '--', 'sh', '-c', whole], how);
  const told = await until(
    'the run has begun',
    () => readFileSync(path.join(sandbox.cwd, 'told'), 'utf8').trim() || undefined,
  );
  const [socket = '', grant = ''] = told.split(' ');
  const end = async (): Promise<void> => {
    sandbox.write('over', '');
    await running.ended;
  };
  return { ...running, socket, grant, end };
}
