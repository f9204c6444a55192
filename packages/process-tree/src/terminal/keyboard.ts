import { constants } from 'node:os';
import { EAGAIN, EINTR } from '../errno.ts';
import type { Libc } from '../libc.ts';
import { readStat } from '../proc.ts';
import { isJob } from '../signals.ts';
import {
  copyWindowSize,
  foregroundGroup,
  keyOf,
  type Modes,
  modesOf,
  rawModes,
  setModes,
  wantsKeys,
} from './termios.ts';

const { SIGCONT, SIGINT, SIGQUIT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU } = constants.signals;
const SIG_DFL = 0;
const SIG_IGN = 1;
const NONE = Buffer.alloc(0);
const F_DUPFD_CLOEXEC = 1030;
const KEYS_BYTES = 4096;
const RETRY_MS = 10;
/** How often is looked whether the job has come to the foreground, or a program asks for keys: no signal tells. */
const LOOK_MS = 200;

/**
 * Hands the keys of our terminal to the command's. Ours is raw meanwhile, so the command's own does what a terminal
 * does with them; only what concerns our whole job is done here: its other processes get the signal of a key too,
 * and Ctrl-Z, which the kernel does not take where nobody in the command's session could continue it, stops both
 * sides. While our job is in the background the keys are others'.
 */
export class Keyboard {
  readonly #libc: Libc;
  /** Our terminal. */
  readonly #outer: number;
  /** The command's. */
  readonly #inner: number;
  readonly #always: boolean;
  readonly #wereWanted: boolean = false;
  readonly #memory = Buffer.alloc(KEYS_BYTES);
  readonly #handle: ReturnType<Libc['poll']>;
  readonly #listeners: readonly (readonly [NodeJS.Signals, () => void])[];
  readonly #onExit = (): void => this.#leave();
  readonly #onStop = (): void => this.stop(SIGTSTP);
  /** Signals of keys that this process sends to its own job. */
  readonly #own = new Map<string, number>();
  #before: Modes | undefined;
  #root = 0;
  #timer: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #pending: Buffer = NONE;
  #hungUp = false;
  #closed = false;

  /** Takes over `outer`. @param always else keys are taken only while a program of the command asks for them */
  constructor(libc: Libc, outer: number, inner: number, always: boolean) {
    this.#libc = libc;
    this.#outer = outer;
    // Of our own: the reader of the output closes its descriptor when the output has ended.
    this.#inner = libc.fcntl(inner, F_DUPFD_CLOEXEC, 3);
    this.#always = always;
    this.#wereWanted = this.#isAsked();
    this.#handle = libc.poll(outer, { readable: true }, () => {});
    this.#handle.stop();
    this.#listeners = [
      ['SIGWINCH', () => copyWindowSize(libc, outer, this.#inner)],
      ['SIGCONT', () => this.look()],
    ];
  }

  /** The command is there. */
  begin(root: number): void {
    this.#root = root;
    this.#ignore(true);
    for (const [signal, listener] of this.#listeners) process.on(signal, listener);
    process.on('exit', this.#onExit);
    copyWindowSize(this.#libc, this.#outer, this.#inner);
    this.look();
  }

  /** Takes the keys or lets them go, as it should be now. */
  look(): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    const inFront = this.#isInFront();
    const wanted = inFront && (this.#always || this.#isAsked());
    if (wanted) this.#enter();
    else if (inFront) this.#leave();
    else this.#forget();
    if (!inFront || !this.#always) this.#timer = setTimeout(() => this.look(), LOOK_MS);
  }

  /** Stops the command and this process, as that signal does, until the shell continues it. */
  stop(signal: number): void {
    this.#suspend(process.pid, signal);
  }

  /** Our terminal makes lines of what it is given. */
  get isCooked(): boolean {
    return this.#before === undefined;
  }

  /** The group that the command's terminal gives the signals of keys to, even if nobody has that open any more. */
  foreground(): number | undefined {
    return foregroundGroup(this.#libc, this.#inner);
  }

  /** Whether it is the echo of a key that was handed to the command already. */
  isOwn(signal: string): boolean {
    const count = this.#own.get(signal) ?? 0;
    if (count > 0) this.#own.set(signal, count - 1);
    return count > 0;
  }

  /** For lines of our own, which end with a newline alone. */
  cooked(deed: () => void): void {
    const raw = this.#before;
    if (raw) setModes(this.#libc, this.#outer, rawModes(raw, true));
    deed();
    if (raw) setModes(this.#libc, this.#outer, rawModes(raw));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#retry);
    this.#leave();
    for (const [signal, listener] of this.#listeners) process.off(signal, listener);
    process.off('SIGTSTP', this.#onStop);
    process.off('exit', this.#onExit);
    this.#handle.close();
    this.#libc.close(this.#outer);
    this.#libc.close(this.#inner);
  }

  /** To look at the terminal from the background is no reason to stop; and a stop is to take the command along. */
  #ignore(yes: boolean): void {
    for (const signal of [SIGTTIN, SIGTTOU]) this.#libc.signal(signal, yes ? SIG_IGN : SIG_DFL);
    process.off('SIGTSTP', this.#onStop);
    if (yes) process.on('SIGTSTP', this.#onStop);
  }

  /** Not our controlling terminal: nobody takes turns. */
  #isInFront(): boolean {
    const group = foregroundGroup(this.#libc, this.#outer);
    return group === undefined || group === readStat('self')?.group;
  }

  #isAsked(): boolean {
    const modes = modesOf(this.#libc, this.#inner);
    // Made so by somebody else (a pager at the end of our pipeline) it was so from the start.
    return modes !== undefined && wantsKeys(modes) && !this.#wereWanted;
  }

  #enter(): void {
    if (this.#before || this.#hungUp) return;
    const modes = modesOf(this.#libc, this.#outer);
    if (!modes) return;
    this.#before = modes;
    setModes(this.#libc, this.#outer, rawModes(modes));
    this.#watch();
  }

  /** Our terminal is as it was. */
  #leave(): void {
    const modes = this.#before;
    this.#forget();
    if (modes && this.#isInFront()) setModes(this.#libc, this.#outer, modes);
  }

  /** Somebody else has the terminal, in modes of their own. */
  #forget(): void {
    this.#before = undefined;
    if (!this.#closed) this.#handle.stop();
  }

  #watch(): void {
    this.#handle.start({ readable: true }, () => this.#read());
  }

  #read(): void {
    if (!this.#isInFront()) {
      this.look();
      return;
    }
    const length = this.#libc.read(this.#outer, this.#memory, KEYS_BYTES);
    if (length > 0) {
      this.#take(Buffer.from(this.#memory.subarray(0, length)));
      return;
    }
    const errno = length === 0 ? 0 : this.#libc.errno();
    if (errno === EAGAIN || errno === EINTR) return;
    this.#hungUp = true;
    this.#handle.stop();
  }

  #take(keys: Buffer): void {
    const modes = modesOf(this.#libc, this.#inner);
    let from = 0;
    for (const [at, byte] of keys.entries()) {
      const key = modes && keyOf(modes, byte);
      if (key === undefined) continue;
      if (key === 'suspend') {
        // Elsewhere (a shell of the command's own) the kernel does it.
        if (this.foreground() !== this.#root || !isJob()) continue;
        this.#type(keys.subarray(from, at));
        from = at + 1;
        this.#suspend(0, SIGTSTP);
      } else {
        this.#type(keys.subarray(from, at + 1));
        from = at + 1;
        this.#tellJob(key === 'interrupt' ? 'SIGINT' : 'SIGQUIT');
      }
    }
    this.#type(keys.subarray(from));
  }

  /** What the command's terminal does not take yet waits, and everything behind it. */
  #type(keys: Buffer): void {
    this.#pending = this.#pending.length === 0 ? keys : Buffer.concat([this.#pending, keys]);
    while (this.#pending.length > 0) {
      const written = this.#libc.write(this.#inner, this.#pending, this.#pending.length);
      if (written < 0 && this.#libc.errno() !== EINTR) break;
      this.#pending = this.#pending.subarray(Math.max(0, written));
    }
    if (this.#pending.length === 0) return;
    this.#handle.stop();
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => {
      this.#type(NONE);
      if (this.#pending.length === 0 && this.#before) this.#watch();
    }, RETRY_MS);
  }

  /** A key signals the whole job: a script above us must know of it, too. */
  #tellJob(name: 'SIGINT' | 'SIGQUIT'): void {
    if (foregroundGroup(this.#libc, this.#outer) === undefined) return;
    this.#own.set(name, (this.#own.get(name) ?? 0) + 1);
    this.#libc.kill(0, name === 'SIGINT' ? SIGINT : SIGQUIT);
  }

  /** @param whom this process, or 0 for its whole job, as the key would */
  #suspend(whom: number, signal: number): void {
    if (!isJob() || this.#root === 0) return;
    this.#libc.kill(-this.#root, SIGSTOP);
    this.#leave();
    this.#ignore(false);
    this.#libc.kill(whom, signal);
    // Here this process stood still, and somebody has continued it.
    this.#ignore(true);
    this.#libc.kill(-this.#root, SIGCONT);
    copyWindowSize(this.#libc, this.#outer, this.#inner);
    this.look();
  }
}
