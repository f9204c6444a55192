import { closeSync, constants, openSync } from 'node:fs';
import { errorName } from '../errno.ts';
import type { Libc } from '../libc.ts';
import type { InnerTerminal } from '../stdio.ts';
import { Keyboard } from './keyboard.ts';
import { copyWindowSize, type Modes, modesOf, setModes } from './termios.ts';

const TIOCSPTLCK = 0x40045431;
const TIOCGPTN = 0x80045430;

/**
 * A pseudo-terminal for the command, with the modes and the size of ours. What the command writes comes out of
 * `output`; the keys of our terminal go in.
 * @param outer which of our descriptors is the terminal @param hasStdin whether the command reads from it
 * @returns the errno's name where there is none to be had
 */
export function openInnerTerminal(libc: Libc, outer: number, hasStdin: boolean): InnerTerminal | string {
  try {
    // Our own open file of the terminal: its flags are nobody else's.
    const own = openSync(`/proc/self/fd/${outer}`, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
    const output = openSync('/dev/ptmx', constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
    const number = Buffer.alloc(4);
    const modes = modesOf(libc, own);
    if (libc.ioctl(output, TIOCSPTLCK, Buffer.alloc(4)) !== 0 || libc.ioctl(output, TIOCGPTN, number) !== 0 || !modes) {
      const errno = libc.errno();
      for (const fd of [own, output]) closeSync(fd);
      return errorName(errno);
    }
    return joined(libc, { own, output, modes, hasStdin, path: `/dev/pts/${number.readUInt32LE()}` });
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'EIO';
  }
}

interface Parts {
  readonly own: number;
  readonly output: number;
  readonly modes: Modes;
  readonly hasStdin: boolean;
  readonly path: string;
}

function joined(libc: Libc, { own, output, modes, hasStdin, path }: Parts): InnerTerminal {
  setModes(libc, output, modes);
  copyWindowSize(libc, own, output);
  const keyboard = new Keyboard(libc, own, output, hasStdin);
  return {
    path,
    output,
    begin: (root) => keyboard.begin(root),
    look: () => keyboard.look(),
    stop: (signal) => keyboard.stop(signal),
    isCooked: () => keyboard.isCooked,
    isOwn: (signal) => keyboard.isOwn(signal),
    foreground: () => keyboard.foreground(),
    cooked: (deed) => keyboard.cooked(deed),
    close: () => keyboard.close(),
  };
}
