import { HaspError } from '@hasp/core';
import { errorName } from './errno.ts';
import type { Sink } from './sink.ts';
import type { Source } from './source.ts';

/** Bytes in, bytes out. What `push`, `idle` and `end` return is written before anything else is read. */
export interface ByteTransform {
  /** @param room so many bytes of the chunk's memory, right before it, may be overwritten */
  push(chunk: Uint8Array, room?: number): Uint8Array;
  /** After a short silence: what may be released although its continuation is not known. */
  idle?(): Uint8Array;
  end(): Uint8Array;
  /** Memory where chunks are better put than in any other, once there is some. */
  memory?(bytes: number): Uint8Array | undefined;
}

/** How a relay came to its end; `failed` where something was lost, and it was told. */
export type RelayEnd = 'ended' | 'reader-gone' | 'failed';

/** What a processor's cache holds, with the tables of a matcher. */
export const CHUNK_BYTES = 524_288;
/** For what a transform kept of the chunk before; a multiple of a cache line. */
const ROOM_BYTES = 512;
/** Who writes so much at once is about to write more. */
const MUCH_BYTES = 32_768;
/** A stream that says nothing for so long is silent. */
export const IDLE_MS = 20;
/** So many chunks are taken in one go; then whatever else waits has its turn, signals first of all. */
const TURN_CHUNKS = 16;
/** Our reader has gone: nothing to say. Any other failure of a write (a full disk) is. */
export const READER_GONE = ['EPIPE', 'ECONNRESET'];

/**
 * A stream on its way through a transform, from the first byte to the last. Nothing is read while a write is
 * pending, so that memory stays flat behind a slow reader. When our reader has gone the source is closed:
 * whoever writes there gets its SIGPIPE.
 */
export class Relay {
  readonly #source: Source;
  readonly #sink: Sink;
  readonly #createTransform: () => ByteTransform;
  readonly #warn: (line: string) => void;
  #memory: Uint8Array = Buffer.allocUnsafeSlow(ROOM_BYTES + CHUNK_BYTES).subarray(ROOM_BYTES);
  #isTheirs = false;
  readonly #end: Promise<RelayEnd>;
  #transform: ByteTransform | undefined;
  #draining = false;
  #rouse: () => void = () => {};
  #lost = false;

  /** @param createTransform called at the first byte; where it throws nothing is shown */
  constructor(source: Source, sink: Sink, createTransform: () => ByteTransform, warn: (line: string) => void) {
    this.#source = source;
    this.#sink = sink;
    this.#createTransform = createTransform;
    this.#warn = warn;
    this.#end = this.#run();
  }

  /** Something could not be written, and not because our reader had gone. */
  get hasLost(): boolean {
    return this.#lost;
  }

  /** Resolves when the source has ended, or nobody takes any more. */
  get end(): Promise<RelayEnd> {
    return this.#end;
  }

  /** Writes what is on its way, then closes the source, whoever else still has its other end. */
  async drain(): Promise<void> {
    this.#draining = true;
    this.#rouse();
    await this.#end;
  }

  async #run(): Promise<RelayEnd> {
    try {
      return (await this.#pump()) ?? 'ended';
    } finally {
      this.#source.close();
      this.#sink.close();
    }
  }

  /** Why it stopped before the end of the source. */
  async #pump(): Promise<RelayEnd | undefined> {
    let isHeld = false;
    let isMuch = false;
    for (let chunks = 0; ; ) {
      const got = this.#source.read(this.#memory);
      if (got === 0) break;
      if (typeof got === 'object') return this.#failToRead(got.errno);
      if (got === undefined) {
        if (this.#draining) break;
        if (isMuch && this.#source.isReadySoon?.()) continue;
        isMuch = false;
        const silent = await this.#silence(isHeld);
        const released = silent ? this.#transform?.idle?.() : undefined;
        isHeld &&= !silent;
        const problem = await this.#write(released);
        if (problem) return problem;
        continue;
      }
      const transform = this.#openTransform();
      if (!transform) return 'failed';
      isHeld = true;
      isMuch = got >= MUCH_BYTES;
      const outcome = this.#write(transform.push(this.#memory.subarray(0, got), ROOM_BYTES));
      // A turn of the microtasks for each chunk would cost as much as to look through some of it.
      const problem: RelayEnd | undefined = outcome instanceof Promise ? await outcome : outcome;
      if (problem) return problem;
      chunks += 1;
      if (chunks % TURN_CHUNKS !== 0) continue;
      if (!this.#isTheirs) this.#takeMemory(transform);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return this.#transform && (await this.#write(this.#transform.end()));
  }

  /** What was in ours has been written. */
  #takeMemory(transform: ByteTransform): void {
    const memory = transform.memory?.(ROOM_BYTES + CHUNK_BYTES);
    if (memory === undefined) return;
    this.#memory = Buffer.from(memory.buffer, memory.byteOffset, memory.length).subarray(ROOM_BYTES);
    this.#isTheirs = true;
  }

  async #failToRead(errno: number): Promise<RelayEnd> {
    await this.#write(this.#transform?.end());
    this.#lost = true;
    this.#warn(`input could not be read (${errorName(errno)})`);
    return 'failed';
  }

  /** Waits for the source, or the command to drain. True after a silence in which nothing came, if that matters. */
  #silence(matters: boolean): Promise<boolean> {
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      const go = (silent: boolean): void => {
        clearTimeout(timer);
        this.#rouse = () => {};
        this.#source.unwatch();
        resolve(silent);
      };
      this.#rouse = () => go(false);
      if (matters) timer = setTimeout(() => go(true), IDLE_MS);
      this.#source.watch(() => go(false));
    });
  }

  #openTransform(): ByteTransform | undefined {
    try {
      this.#transform ??= this.#createTransform();
      return this.#transform;
    } catch (error) {
      this.#lost = true;
      this.#warn(withheld(error));
      return undefined;
    }
  }

  #write(bytes: Uint8Array | undefined): RelayEnd | undefined | Promise<RelayEnd | undefined> {
    if (bytes === undefined || bytes.length === 0) return undefined;
    const outcome = this.#sink.write(bytes);
    if (outcome instanceof Promise) return outcome.then((failure) => this.#judge(failure));
    return this.#judge(outcome);
  }

  #judge(failure: string | undefined): RelayEnd | undefined {
    if (failure === undefined) return undefined;
    if (READER_GONE.includes(failure)) return 'reader-gone';
    this.#lost = true;
    this.#warn(`output could not be written (${failure})`);
    return 'failed';
  }
}

/** @param error only what is said to people is quoted */
export function withheld(error: unknown): string {
  return `output is withheld: ${error instanceof HaspError ? error.message : 'it could not be redacted'}`;
}
