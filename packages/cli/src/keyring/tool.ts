import { spawn } from 'node:child_process';
import { exitLike } from '@hasp/process-tree';

export interface ToolEnd {
  /** Undefined where it did not end by itself. */
  readonly status: number | undefined;
  readonly stdout: Buffer;
  /** The first line of what it complained about, for a person. */
  readonly complaint: string;
  readonly isLate: boolean;
}

export interface ToolUse {
  readonly argv: readonly string[];
  /** For stdin, without its end. A secret goes here: arguments are public. */
  readonly line?: Buffer;
  readonly environment: Readonly<Record<string, string>>;
  /** Then it is killed; without end where absent. */
  readonly limitMs: number | undefined;
}

export type RunTool = (command: string, use: ToolUse) => Promise<ToolEnd>;

/** More than any entry of ours has. */
const MAX_OUTPUT_BYTES = 64 * 1024;
const COMPLAINT = 200;

/**
 * A tool would take what it gets from a killed hasp, half a line or none, for the whole. So a shell takes the line first,
 * to its end, and only then starts the tool. `echo` is of the shell itself, so what it is given is nobody's argument.
 */
export const WHOLE_LINE = 'IFS= read -r line && echo "$line" | "$@"';

/** Whoever called wipes `stdout`. Undefined as the status where it could not even be started. */
export const runTool: RunTool = (tool, { argv, line, environment, limitMs }) =>
  new Promise((resolve) => {
    const isLine = line !== undefined;
    const [command, words] = isLine ? ['/bin/sh', ['-c', WHOLE_LINE, 'sh', tool, ...argv]] : [tool, argv];
    // A group of its own, so that shell and tool end together.
    const child = spawn(command, words, { env: environment, stdio: ['pipe', 'pipe', 'pipe'], detached: isLine });
    const out: Buffer[] = [];
    let size = 0;
    let complaint = '';
    let isLate = false;
    const end = (status: number | undefined) => {
      clearTimeout(timer);
      for (const signal of signals) process.removeListener(signal, leave);
      const stdout = Buffer.concat(out);
      for (const chunk of out) chunk.fill(0);
      resolve({ status, stdout, complaint: firstLine(complaint), isLate });
    };
    const kill = () => {
      if (!isLine || child.pid === undefined) return child.kill('SIGKILL');
      try {
        return process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has just ended.
        return false;
      }
    };
    // Also where a run holds its signals back: nothing is granted yet.
    const leave = (signal: NodeJS.Signals) => {
      kill();
      exitLike({ signal });
    };
    const signals = isLine ? OF_A_GROUP : limitMs === undefined ? SENT : [];
    for (const signal of signals) process.on(signal, leave);
    const timer = setTimeout(() => {
      isLate = true;
      kill();
    }, limitMs ?? FOR_EVER_MS);
    child.on('error', () => end(undefined));
    child.on('close', (status) => end(status ?? undefined));
    child.stdout.on('data', (chunk: Buffer) => {
      out.push(chunk);
      size += chunk.length;
      if (size > MAX_OUTPUT_BYTES) kill();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      if (complaint.length < MAX_OUTPUT_BYTES) complaint += chunk.toString();
    });
    // It may have ended without reading.
    child.stdin.on('error', () => {});
    if (isLine) child.stdin.write(line);
    child.stdin.end(isLine ? '\n' : '');
  });

/** A terminal sends its own to the tool as well, but not to another group. */
const SENT: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGHUP'];
const OF_A_GROUP: readonly NodeJS.Signals[] = [...SENT, 'SIGINT', 'SIGQUIT'];
/** A timer holds 24.8 days at most. */
const FOR_EVER_MS = 2 ** 31 - 1;

/** Never what could be a key. */
function firstLine(text: string): string {
  const line = text.split('\n').find((each) => each.trim() !== '') ?? '';
  return line
    .replace(/^\S+: /, '')
    .replaceAll(/[0-9a-f]{32,}/gi, '…')
    .slice(0, COMPLAINT);
}
