import type { Readable } from 'node:stream';
import { type ByteTransform, IDLE_MS, READER_GONE, withheld } from '../relay.ts';
import { writeAll } from '../sink.ts';

/** What was written before the tree's end comes within this, unless somebody still writes. */
const LAST_WORDS_MS = 100;

/**
 * One of Node's streams on its way through a transform to one of our descriptors. Nothing is read
 * while a write is pending, but for one chunk.
 */
export class PipedOutput {
  readonly #source: Readable;
  readonly #target: number;
  readonly #createTransform: () => ByteTransform;
  readonly #warn: (line: string) => void;
  readonly #over: Promise<void>;
  #transform: ByteTransform | undefined;
  #draining = false;
  #lost = false;
  #timer: NodeJS.Timeout | undefined;
  #rouse: () => void = () => {};

  constructor(source: Readable, target: number, createTransform: () => ByteTransform, warn: (line: string) => void) {
    this.#source = source;
    this.#target = target;
    this.#createTransform = createTransform;
    this.#warn = warn;
    this.#over = this.#pump();
  }

  /** Something could not be written, and not because its reader had gone. */
  get hasLost(): boolean {
    return this.#lost;
  }

  /** Writes what is on its way, then closes the stream, whoever else still has its other end. */
  async drain(): Promise<void> {
    this.#draining = true;
    this.#rouse();
    await this.#over;
  }

  async #pump(): Promise<void> {
    const chunks = this.#source[Symbol.asyncIterator]();
    // Destroyed: there is nothing more to come.
    const read = (): Promise<IteratorResult<Uint8Array>> =>
      chunks.next().catch(() => ({ done: true as const, value: undefined }));
    let next = read();
    let isHeld = false;
    for (;;) {
      const got = await Promise.race([next, this.#silence(isHeld)]);
      clearTimeout(this.#timer);
      if (got === 'roused') continue;
      if (got === 'silence') {
        if (this.#draining) break;
        isHeld = false;
        if (!(await this.#deliver(this.#transform?.idle?.()))) return;
        continue;
      }
      if (got.done) break;
      next = read();
      const transform = this.#openTransform();
      if (!transform) return;
      isHeld = true;
      if (!(await this.#deliver(transform.push(got.value)))) return;
    }
    this.#source.destroy();
    await this.#deliver(this.#transform?.end());
  }

  /** Without it nothing of the output may be shown. */
  #openTransform(): ByteTransform | undefined {
    try {
      this.#transform ??= this.#createTransform();
      return this.#transform;
    } catch (error) {
      this.#lost = true;
      this.#warn(withheld(error));
      this.#source.destroy();
      return undefined;
    }
  }

  #silence(isHeld: boolean): Promise<'silence' | 'roused'> {
    return new Promise((resolve) => {
      this.#rouse = () => resolve('roused');
      if (this.#draining) this.#timer = setTimeout(() => resolve('silence'), LAST_WORDS_MS);
      else if (isHeld && this.#transform?.idle) this.#timer = setTimeout(() => resolve('silence'), IDLE_MS);
    });
  }

  /** False when nobody takes it any more: then the command is told so by the end of its stream. */
  async #deliver(bytes: Uint8Array | undefined): Promise<boolean> {
    if (bytes === undefined || bytes.length === 0) return true;
    const failure = await writeAll(this.#target, bytes);
    if (failure === undefined) return true;
    if (!READER_GONE.includes(failure)) {
      this.#lost = true;
      this.#warn(`output could not be written (${failure})`);
    }
    this.#source.destroy();
    return false;
  }
}
