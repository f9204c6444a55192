import type { Libc } from '../libc.ts';

/** Offsets in struct termios of 64-bit Linux (asm-generic/termbits.h). */
const IFLAG = 0;
const OFLAG = 4;
const CFLAG = 8;
const LFLAG = 12;
const CHARACTERS = 17;
/** More than glibc's and musl's. */
const TERMIOS_BYTES = 128;

const INPUT_COOKING = 0o2753; // IGNBRK BRKINT PARMRK ISTRIP INLCR IGNCR ICRNL IXON
const OPOST = 1;
const ISIG = 1;
const ICANON_ECHO = 0o12;
const LOCAL_COOKING = 0o100113; // ISIG ICANON ECHO ECHONL IEXTEN
const SIZE_AND_PARITY = 0o460; // CSIZE PARENB
const CS8 = 0o60;
const VMIN = 6;
const VTIME = 5;
const TCSANOW = 0;
const WINDOW_BYTES = 8;
const TIOCGWINSZ = 0x5413;
const TIOCSWINSZ = 0x5414;
const TIOCGPGRP = 0x540f;

/** How a terminal behaves: termios(3). */
export type Modes = Buffer;

/** The keys that signal, by the place of their character in the modes. */
export const KEYS = { interrupt: 0, quit: 1, suspend: 10 } as const;

/** Undefined where it is no terminal. Of a pseudo-terminal both ends have the same. */
export function modesOf(libc: Libc, fd: number): Modes | undefined {
  const modes = Buffer.alloc(TERMIOS_BYTES);
  return libc.tcgetattr(fd, modes) === 0 ? modes : undefined;
}

export function setModes(libc: Libc, fd: number, modes: Modes): void {
  libc.tcsetattr(fd, TCSANOW, modes);
}

/** Every byte comes and goes as it is. @param cooksOutput but for newlines, for who writes lines */
export function rawModes(modes: Modes, cooksOutput = false): Modes {
  const raw = Buffer.from(modes);
  clear(raw, IFLAG, INPUT_COOKING);
  if (!cooksOutput) clear(raw, OFLAG, OPOST);
  clear(raw, LFLAG, LOCAL_COOKING);
  clear(raw, CFLAG, SIZE_AND_PARITY);
  raw.writeUInt32LE((raw.readUInt32LE(CFLAG) | CS8) >>> 0, CFLAG);
  raw[CHARACTERS + VMIN] = 1;
  raw[CHARACTERS + VTIME] = 0;
  return raw;
}

function clear(modes: Buffer, offset: number, flags: number): void {
  modes.writeUInt32LE((modes.readUInt32LE(offset) & ~flags) >>> 0, offset);
}

/** The key of that byte, if keys signal in these modes. */
export function keyOf(modes: Modes, byte: number): keyof typeof KEYS | undefined {
  if ((modes.readUInt32LE(LFLAG) & ISIG) === 0 || byte === 0) return undefined;
  for (const name of ['interrupt', 'quit', 'suspend'] as const)
    if (modes[CHARACTERS + KEYS[name]] === byte) return name;
  return undefined;
}

/** Whether a program has made the terminal so that it gets keys as they are pressed, or unseen. */
export function wantsKeys(modes: Modes): boolean {
  return (modes.readUInt32LE(LFLAG) & ICANON_ECHO) !== ICANON_ECHO;
}

/** Who has a window's size is told of a change by SIGWINCH. */
export function copyWindowSize(libc: Libc, from: number, to: number): void {
  const size = Buffer.alloc(WINDOW_BYTES);
  if (libc.ioctl(from, TIOCGWINSZ, size) === 0) libc.ioctl(to, TIOCSWINSZ, size);
}

/** The process group that has the terminal; undefined where that can't be told. Asked of the outer end it is that of the inner. */
export function foregroundGroup(libc: Libc, fd: number): number | undefined {
  const group = Buffer.alloc(4);
  return libc.ioctl(fd, TIOCGPGRP, group) === 0 ? group.readInt32LE() : undefined;
}
