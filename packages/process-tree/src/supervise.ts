import { HaspError } from '@hasp/core';
import type { ExitStatus } from './exit-status.ts';
import { type Libc, loadLibc } from './libc.ts';
import { SpawnFailure } from './spawn-failure.ts';
import { type ChildStdio, type InnerTerminal, openStdio, terminalDescriptors } from './stdio.ts';
import { Tree } from './tree.ts';
import type { TreeEnd, TreeSpec } from './tree-spec.ts';

/** How long a reader that takes nothing may keep a tree from its end that did not end by itself. */
const STALLED_READER_MS = 2_000;
/** The same for a signal. It may be the one by which the command died, seen here only afterwards: what was written must come out. */
const SIGNALLED_READER_MS = 500;
/** A failure of hasp's own, as env(1) and timeout(1) have it. */
const OUTPUT_LOST = 125;

/**
 * Starts the command and stays until its tree has ended as the straggler policy says and redacted
 * output is written. The child's streams, group, terminal, ignored signals, descriptors and limits
 * are what they would be without hasp. While it runs, nothing else in this process may have children;
 * from the spawn on its own 0 and 1, and what it inherited above 2, lead nowhere.
 * @throws SpawnFailure (E_SPAWN) if the command can't be started
 */
export async function superviseTree(spec: TreeSpec): Promise<TreeEnd> {
  const libc = spec.tracking === 'full' ? loadLibc() : undefined;
  // Loaded here: node:child_process costs as much as the whole spawn through FFI.
  if (!libc) {
    await refuseTerminal(spec);
    const looked = await (await import('./platform/portable.ts')).superviseByLooking(spec);
    if (typeof looked === 'string') throw new SpawnFailure(looked);
    return finish(spec, looked.end, looked);
  }
  const terminal = await openTerminal(libc, spec);
  const tree = new Tree(libc, spec);
  const stdio = openStdio(libc, spec, terminal);
  try {
    const root = tree.spawn(stdio);
    const end: TreeEnd = { root, ...(await tree.end()) };
    return await finish(spec, end, stdio);
  } catch (error) {
    await stdio.abandon();
    throw error;
  } finally {
    tree.close();
  }
}

/** For redacted output on our terminal the command gets one of its own. @throws HaspError E_SPAWN */
async function openTerminal(libc: Libc, spec: TreeSpec): Promise<InnerTerminal | undefined> {
  const [outer, ...others] = terminalDescriptors(libc, spec);
  if (outer === undefined) return undefined;
  const { openInnerTerminal } = await import('./terminal/inner-terminal.ts');
  const opened = openInnerTerminal(libc, others.at(-1) ?? outer, outer === 0);
  if (typeof opened === 'string') throw noTerminal(opened);
  return opened;
}

/** Without the C library there is none; a pipe in its place would change what the command does, without a word. */
async function refuseTerminal({ stdout, stderr }: TreeSpec): Promise<void> {
  const { isatty } = await import('node:tty');
  if ((stdout !== 'inherit' && isatty(1)) || (stderr !== 'inherit' && isatty(2))) throw noTerminal('koffi is missing');
}

function noTerminal(why: string): HaspError {
  return new HaspError(
    'E_SPAWN',
    `output on a terminal can't be redacted: there is no pseudo-terminal to be had (${why})`,
    'use --redact auto, or pipe the output through cat',
  );
}

type Output = Pick<ChildStdio, 'drain' | 'hasLost'>;

/** The tree has ended; what it wrote may still be on its way. */
async function finish(spec: TreeSpec, end: TreeEnd, output: Output): Promise<TreeEnd> {
  spec.onTreeEnd?.(end);
  const signalled = await drainUnlessSignalled(output, spec, end.cause);
  return { ...end, exit: signalled ?? (output.hasLost() ? notSuccess(end.exit) : end.exit) };
}

/**
 * A command that writes to a reader who takes nothing can be ended by a signal, also when only its
 * output is left of it. @returns that signal as its end
 */
function drainUnlessSignalled(
  output: Output,
  spec: TreeSpec,
  cause: TreeEnd['cause'],
): Promise<ExitStatus | undefined> {
  return new Promise((resolve, reject) => {
    spec.signals.deliverTo((signal) => {
      if (!signal.startsWith('SIGUSR')) void pause(SIGNALLED_READER_MS).then(() => resolve({ signal }));
    });
    output.drain().then(() => resolve(undefined), reject);
    if (cause !== 'exited') void pause(STALLED_READER_MS).then(() => resolve(undefined));
  });
}

/** The command was told that its output was taken; whoever runs it must not believe so. */
function notSuccess(exit: ExitStatus): ExitStatus {
  return 'code' in exit && exit.code === 0 ? { code: OUTPUT_LOST } : exit;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
