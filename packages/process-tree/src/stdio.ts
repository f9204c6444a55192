import { closeSync, fstatSync, openSync, write } from 'node:fs';
import { EIO } from './errno.ts';
import type { Libc } from './libc.ts';
import { openPipe, openWidePipe } from './pipe.ts';
import { type ByteTransform, Relay } from './relay.ts';
import { Sink } from './sink.ts';
import { PolledSource } from './source.ts';
import { modesOf } from './terminal/termios.ts';
import type { TreeSpec } from './tree-spec.ts';

const CR = 0x0d;
const LF = 0x0a;
const NOTHING = new Uint8Array(0);
const PLAIN = { cooked: (deed: () => void): void => deed() };

export interface ChildStdio {
  /** What the child gets as 0, 1 and 2. */
  readonly childEnds: readonly [ChildEnd, ChildEnd, ChildEnd];
  /** The command's own, where its output is redacted on the way to ours. */
  readonly terminal: InnerTerminal | undefined;
  /** Lets go of everything that only the child should hold. */
  afterSpawn(): void;
  /** Writes what the redacted streams still hold. */
  drain(): Promise<void>;
  /** Some of it could not be written: a full disk, for example. */
  hasLost(): boolean;
  /** The spawn failed. */
  abandon(): Promise<void>;
}

/** A descriptor, or the path of the child's terminal; undefined: what this process has there. */
export type ChildEnd = number | string | undefined;

/** A terminal between the command and ours. */
export interface InnerTerminal {
  readonly path: string;
  readonly output: number;
  begin(root: number): void;
  /** Something has changed, perhaps. */
  look(): void;
  /** Stops this process too, as that signal does, until somebody continues it. */
  stop(signal: number): void;
  /** Our terminal makes lines of what it is given. */
  isCooked(): boolean;
  /** A signal of a key that the command has got already. */
  isOwn(signal: string): boolean;
  /** The group that gets the keys' signals. */
  foreground(): number | undefined;
  /** Does what writes lines to our terminal. */
  cooked(deed: () => void): void;
  close(): void;
}

/** Which of our descriptors are the one terminal to which redacted output goes; none where none is. */
export function terminalDescriptors(libc: Libc, spec: TreeSpec): number[] {
  const outputs = [1, 2].filter(
    (fd) => (fd === 1 ? spec.stdout : spec.stderr) !== 'inherit' && modesOf(libc, fd) !== undefined,
  );
  const [first] = outputs;
  if (first === undefined) return [];
  // Where the output goes on through somebody else, the keys may be theirs.
  const input = first === 1 && spec.stdin === 'inherit' && sameFile(0, 1) ? [0] : [];
  return [...input, ...outputs.filter((fd) => fd === first || sameFile(fd, first))];
}

/** Pipes for the streams that are not inherited, or the terminal. */
export function openStdio(libc: Libc, spec: TreeSpec, terminal?: InnerTerminal): ChildStdio {
  const input = spec.stdin === 'inherit' ? undefined : openPipe(libc);
  const onTerminal = terminal ? terminalDescriptors(libc, spec) : [];
  const warn = (line: string): void => (terminal ?? PLAIN).cooked(() => spec.onWarning(line));
  const relays: Relay[] = [];
  const childEnds: number[] = [];
  const relay = (target: number, stream: TreeSpec['stdout']): number | undefined => {
    if (stream === 'inherit') return undefined;
    const [ours, childEnd] = openWidePipe(libc);
    relays.push(new Relay(new PolledSource(libc, ours), new Sink(libc, target), stream, warn));
    childEnds.push(childEnd);
    return childEnd;
  };
  const screen = onTerminal.find((fd) => fd > 0);
  const stream = screen === 2 ? spec.stderr : spec.stdout;
  if (terminal && screen !== undefined && stream !== 'inherit') {
    const source = new PolledSource(libc, terminal.output, EIO);
    relays.push(new Relay(source, new Sink(libc, screen), () => looking(terminal, stream()), warn));
  }
  const end = (fd: number): ChildEnd => (onTerminal.includes(fd) ? terminal?.path : undefined);
  const output = end(1) ?? relay(1, spec.stdout);
  // Where both lead to the same open file, one pipe keeps the order of what is written to it.
  const shared = output !== undefined && spec.stderr !== 'inherit' && sameFile(1, 2);
  const errors = end(2) ?? (shared ? output : relay(2, spec.stderr));
  const close = (): void => {
    if (input) closeSync(input[0]);
    for (const childEnd of childEnds) closeSync(childEnd);
  };
  const drain = async (): Promise<void> => {
    await Promise.all(relays.map((one) => one.drain()));
    terminal?.close();
  };
  return {
    childEnds: [end(0) ?? input?.[0], output, errors],
    terminal,
    afterSpawn: () => {
      close();
      letGo(libc, spec);
      if (input && spec.stdin !== 'inherit') feed(input[1], spec.stdin);
    },
    drain,
    hasLost: () => relays.some((one) => one.hasLost),
    abandon: async () => {
      close();
      if (input) closeSync(input[1]);
      await drain();
    },
  };
}

/** Before a program asks for a key it shows something, as a rule. */
function looking(terminal: InnerTerminal, transform: ByteTransform): ByteTransform {
  const shown = (bytes: Uint8Array): Uint8Array => (terminal.isCooked() ? withoutReturns(bytes) : bytes);
  return {
    push: (chunk) => {
      terminal.look();
      return shown(transform.push(chunk));
    },
    idle: () => transform.idle?.() ?? NOTHING,
    end: () => shown(transform.end()),
  };
}

/** The command's terminal made CR LF of each LF already, and ours is about to do so again. */
function withoutReturns(bytes: Uint8Array): Uint8Array {
  let length = 0;
  const kept = new Uint8Array(bytes.length);
  for (const [at, byte] of bytes.entries()) {
    if (byte === CR && bytes[at + 1] === LF) continue;
    kept[length] = byte;
    length += 1;
  }
  return kept.subarray(0, length);
}

/**
 * The child closes a stream or descriptor: whoever is at its other end must see that, so this
 * process may not keep a copy. stderr stays for hasp's own lines, 0 and 1 become /dev/null.
 */
function letGo(libc: Libc, spec: TreeSpec): void {
  const nowhere = openSync('/dev/null', 'r+');
  if (spec.stdin === 'inherit') libc.dup2(nowhere, 0);
  if (spec.stdout === 'inherit') libc.dup2(nowhere, 1);
  closeSync(nowhere);
  for (const fd of spec.inherited.descriptors) libc.close(fd);
}

/** Writes in the background; the pipe ends after the bytes, or when its reader has gone. */
function feed(fd: number, bytes: Uint8Array): void {
  const rest = Buffer.from(bytes);
  const step = (at: number): void => {
    write(fd, rest, at, rest.length - at, null, (error, written) => {
      if (!error && at + written < rest.length) return step(at + written);
      rest.fill(0);
      closeSync(fd);
    });
  };
  step(0);
}

function sameFile(a: number, b: number): boolean {
  try {
    const [left, right] = [fstatSync(a), fstatSync(b)];
    return left.dev === right.dev && left.ino === right.ino;
  } catch {
    return false;
  }
}
