import { type Libc, loadLibc } from './libc.ts';
import { openWidePipe } from './pipe.ts';
import { CHUNK_BYTES } from './relay.ts';
import { PolledSource } from './source.ts';

/** So many chunks are taken in one go; then whatever else waits has its turn. */
const TURN_CHUNKS = 16;

/** What a child prints, where that is much: half as dear as a stream of Node's. */
export class OutputPipe {
  readonly #libc: Libc;
  readonly #ours: number;
  readonly #theirs: number;

  private constructor(libc: Libc) {
    this.#libc = libc;
    [this.#ours, this.#theirs] = openWidePipe(libc);
  }

  /** Undefined without the C library. */
  static open(): OutputPipe | undefined {
    const libc = loadLibc();
    return libc && new OutputPipe(libc);
  }

  /** Hands the child's end to what starts it, and closes ours. */
  give<T>(start: (descriptor: number) => T): T {
    try {
      return start(this.#theirs);
    } finally {
      this.#libc.close(this.#theirs);
    }
  }

  /** All of it, in pieces; a piece is overwritten by the next one. Call it once. @throws what `take` throws, and where it can't be read */
  async each(take: (piece: Buffer) => void): Promise<void> {
    const source = new PolledSource(this.#libc, this.#ours);
    const memory = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    try {
      for (let chunks = 1; ; chunks += 1) {
        const got = source.read(memory);
        if (got === 0) return;
        if (typeof got === 'object') throw new Error(`read failed with errno ${got.errno}`);
        if (got === undefined) await new Promise<void>((resolve) => source.watch(resolve));
        else take(memory.subarray(0, got));
        if (chunks % TURN_CHUNKS === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      source.close();
    }
  }
}
