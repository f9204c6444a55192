import { writeSync } from 'node:fs';
import { HaspError } from '@hasp/core';
import { exitLike } from '@hasp/process-tree';

/** Exit status of every failure of hasp's own under `hasp run` (as env(1), nohup(1), timeout(1)). */
export const RUN_FAILURE = 125;

/** One line on stderr. Control characters are shown, not sent: names may be hostile. */
export function say(line: string): void {
  write(2, `hasp: ${printable(line)}\n`);
}

/** An error as a person or a script reads it; on stderr. */
export function printError(error: HaspError, json: boolean): void {
  const { code, message, hint } = error;
  if (json) {
    write(2, `${JSON.stringify({ error: { code, message, ...(hint === undefined ? {} : { hint }) } })}\n`);
    return;
  }
  write(2, `hasp: ${printable(message)}\n${hint === undefined ? '' : `  → ${printable(hint)}\n`}`);
}

/** Everything that was thrown becomes a HaspError; what is not one is a fault of hasp's own. */
export function asHaspError(error: unknown): HaspError {
  if (error instanceof HaspError) return error;
  // From another bundle, with a class of its own.
  if (error instanceof Error && error.name === 'HaspError') {
    const { code, message, hint } = error as HaspError;
    return new HaspError(code, message, hint);
  }
  // Only the kind of fault and the place are shown: a message of a library may quote a value.
  const fault = error instanceof Error ? error : new Error('unknown fault');
  const code = (fault as NodeJS.ErrnoException).code;
  if (code === 'ERR_DLOPEN_FAILED') {
    return new HaspError(
      'E_INTERNAL',
      'a native module could not be loaded: it is missing, or was made for another Node',
      `install again with this Node (${process.version}): npm ci && npm run build`,
    );
  }
  const place =
    /\(?([^()\s]+:[0-9]+:[0-9]+)\)?/.exec((fault.stack ?? '').split('\n').slice(1).join('\n'))?.[1] ?? 'unknown place';
  return new HaspError(
    'E_INTERNAL',
    `internal error ${fault.name}${code === undefined ? '' : ` ${code}`} at ${place}`,
    'this is a fault of hasp: please report it with the line above',
  );
}

/**
 * The answer, on stdout. A reader that went away ends us as it would end any command.
 * @throws HaspError E_STORAGE where it can't be written: half an answer is no answer
 */
export function print(text: string | Uint8Array): void {
  try {
    writeAll(1, text);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    if (code === 'EPIPE') exitLike({ signal: 'SIGPIPE' });
    throw new HaspError('E_STORAGE', `the answer could not be written (${code})`, 'free some space where stdout goes');
  }
}

/** To a person; who can't be told is not told. */
function write(descriptor: number, text: string): void {
  try {
    writeAll(descriptor, text);
  } catch {
    // The exit status still says it.
  }
}

function writeAll(descriptor: number, text: string | Uint8Array): void {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(descriptor, bytes, done);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

/** Control characters, line separators and bidirectional marks as \u escapes. */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Zl}\p{Zp}\p{Cf}]/gu,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
}

/** Replaces the terminal's current line on stderr. */
export function writeStatus(text: string): void {
  write(2, `\r\u001b[K${text}`);
}
