import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import type { ReadStream } from 'node:tty';
import { HaspError } from '@hasp/core';
import { exitLike } from '@hasp/process-tree';

const ENTER = [0x0a, 0x0d];
const ERASE = [0x7f, 0x08];
const CANCEL = 0x03;
const END = 0x04;
const KILL_LINE = 0x15;

/** Opens the controlling terminal, whatever stdin and stdout are; undefined where there is none. */
export function openTerminal(): number | undefined {
  try {
    return openSync('/dev/tty', 'r+');
  } catch {
    return undefined;
  }
}

/**
 * Asks on the controlling terminal without echo. stdin belongs to the child and is never read.
 * @throws HaspError E_VAULT_LOCKED where there is no terminal, or the person gave up.
 */
export async function askHidden(question: string): Promise<Buffer> {
  const descriptor = openTerminal();
  if (descriptor === undefined)
    throw new HaspError(
      'E_VAULT_LOCKED',
      'no terminal to ask on',
      'give the value on stdin, or unlock with --key-file or --passphrase-fd',
    );
  // Loaded here: node:tty brings node:net with it, which no run without a prompt needs.
  const terminal = new (await import('node:tty')).ReadStream(descriptor);
  const restore = () => terminal.setRawMode(false);
  // At once, also where a run holds its signals back: nothing is granted yet.
  const dieRestored = (signal: NodeJS.Signals) => {
    restore();
    writeSync(descriptor, '\n');
    exitLike({ signal });
  };
  const signals: NodeJS.Signals[] = ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT'];
  for (const signal of signals) process.on(signal, dieRestored);
  try {
    terminal.setRawMode(true);
    writeSync(descriptor, question);
    return await readLine(terminal);
  } finally {
    restore();
    writeSync(descriptor, '\n');
    for (const signal of signals) process.removeListener(signal, dieRestored);
    terminal.destroy();
  }
}

function readLine(terminal: ReadStream): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const typed: number[] = [];
    const finish = (deed: () => void) => {
      terminal.removeAllListeners('data');
      terminal.pause();
      deed();
    };
    const cancelled = () => reject(new HaspError('E_VAULT_LOCKED', 'cancelled', 'nothing was changed'));
    terminal.on('end', cancelled);
    terminal.on('data', (chunk: Buffer) => {
      for (const byte of chunk) {
        if (ENTER.includes(byte) || (byte === END && typed.length > 0)) {
          finish(() => {
            resolve(Buffer.from(typed));
            typed.fill(0);
          });
          return;
        }
        if (byte === CANCEL || byte === END) {
          finish(cancelled);
          return;
        }
        if (ERASE.includes(byte)) eraseCharacter(typed);
        else if (byte === KILL_LINE) typed.length = 0;
        else typed.push(byte);
      }
      chunk.fill(0);
    });
  });
}

/** One character of UTF-8: continuation bytes are 10xxxxxx. */
function eraseCharacter(typed: number[]): void {
  while (typed.length > 0 && ((typed.at(-1) ?? 0) & 0xc0) === 0x80) typed.pop();
  typed.pop();
}

/**
 * One line that a person types on the controlling terminal, shown as it is typed; undefined where there is no terminal.
 * Nothing else goes on meanwhile, and a signal ends the process.
 */
export function askLine(question: string): string | undefined {
  const descriptor = openTerminal();
  if (descriptor === undefined) return undefined;
  try {
    writeSync(descriptor, question);
    const typed: number[] = [];
    const byte = Buffer.alloc(1);
    while (readSync(descriptor, byte, 0, 1, null) === 1 && !ENTER.includes(byte[0] as number)) {
      typed.push(byte[0] as number);
    }
    return Buffer.from(typed).toString('utf8').trim();
  } finally {
    closeSync(descriptor);
  }
}

/** Asks twice. @throws HaspError E_USAGE where the two differ or nothing was typed. */
export async function askTwice(what: string): Promise<Buffer> {
  const first = await askHidden(`${what}: `);
  if (first.length === 0) throw new HaspError('E_USAGE', 'nothing was typed', 'try again');
  const second = await askHidden(`${what}, again: `);
  const same = first.equals(second);
  second.fill(0);
  if (same) return first;
  first.fill(0);
  throw new HaspError('E_USAGE', 'the two did not match', 'try again');
}
