import { HaspError } from '@hasp/core';
import type { Finder, Search } from '@hasp/match';
import { BlockingStream } from '@hasp/process-tree';
import { errorFrom } from '../link/failure.ts';
import { encodeFrame, type Frame, FrameReader } from '../link/frames.ts';
import { LINK_HELLO, UNLOCKED } from '../link/hello.ts';
import type { LookFacts, LookMatches, LookMessage } from '../link/look-message.ts';

const MAX_FRAME_BYTES = 64 * 1024 * 1024;
/** What the broker takes at once. */
const PIECE_BYTES = 1024 * 1024;
const CHUNK_BYTES = 65_536;

/** Looks through a broker that is unlocked: the values stay there. Each answer is waited for. */
export class RemoteFinder implements Finder {
  readonly isEmpty: boolean;
  readonly #stream: BlockingStream;
  readonly #reader = new FrameReader(MAX_FRAME_BYTES);
  readonly #unwatched: readonly string[];
  #frames: Frame[] = [];
  #searches = 0;

  private constructor(stream: BlockingStream, more: { name: string; bytes: Uint8Array } | undefined) {
    this.#stream = stream;
    const { ok } = this.#ask({ open: true, ...(more === undefined ? {} : { more: more.name }) }, more?.bytes);
    const { isEmpty, unwatched } = ok as LookFacts;
    this.isEmpty = isEmpty;
    this.#unwatched = unwatched;
  }

  /** Undefined where no broker runs that is unlocked. @throws HaspError E_BROKER_UNREACHABLE */
  static open(socket: string, more?: { name: string; bytes: Uint8Array }): RemoteFinder | undefined {
    const stream = BlockingStream.open(socket);
    if (stream === undefined) return undefined;
    try {
      if (isUnlocked(stream)) return new RemoteFinder(stream, more);
    } catch (error) {
      stream.close();
      throw error;
    }
    stream.close();
    return undefined;
  }

  search(): Search {
    this.#searches += 1;
    const id = this.#searches;
    let isFed = false;
    return {
      feed: (piece, isLast = false) => {
        if (piece.length === 0) return;
        isFed = true;
        for (let at = 0; at < piece.length; at += PIECE_BYTES) {
          const part = piece.subarray(at, at + PIECE_BYTES);
          this.#send({ feed: id, isLast: isLast && at + part.length === piece.length }, part);
        }
      },
      end: () => (isFed ? (this.#ask({ end: id }).ok as LookMatches).matches : []),
    };
  }

  mask(text: string): string {
    const bytes = Buffer.from(text);
    const masked = Buffer.from(this.maskBytes(bytes));
    return masked.equals(bytes) ? text : masked.toString('utf8');
  }

  maskBytes(bytes: Uint8Array): Uint8Array {
    return this.#ask({ mask: true }, bytes).bytes;
  }

  memory(): undefined {}

  unwatched(): readonly string[] {
    return this.#unwatched;
  }

  wipe(): void {
    this.#stream.close();
    this.#reader.wipe();
  }

  #ask(message: LookMessage, bytes?: Uint8Array): { ok: unknown; bytes: Buffer } {
    this.#send(message, bytes);
    const frame = this.#receive();
    const refusal = errorFrom(frame.message['error']);
    if (refusal !== undefined) throw refusal;
    return { ok: frame.message['ok'], bytes: frame.bytes };
  }

  #send(look: LookMessage, bytes?: Uint8Array): void {
    const frame = encodeFrame({ look }, bytes === undefined ? [] : [bytes]);
    if (!this.#stream.write(frame)) throw gone();
  }

  #receive(): Frame {
    const memory = Buffer.alloc(CHUNK_BYTES);
    for (;;) {
      const frame = this.#frames.shift();
      if (frame !== undefined) return frame;
      const length = this.#stream.read(memory);
      if (length === 0) throw gone();
      this.#frames = this.#reader.feed(memory.subarray(0, length));
    }
  }
}

/** The welcome is all that comes before the first question. */
function isUnlocked(stream: BlockingStream): boolean {
  const memory = Buffer.alloc(1_024);
  let welcome = '';
  if (!stream.write(Buffer.from(LINK_HELLO))) throw gone();
  while (!welcome.endsWith('\r\n\r\n')) {
    const length = stream.read(memory);
    if (length === 0) throw gone();
    welcome += memory.toString('latin1', 0, length);
  }
  return welcome.split('\r\n').includes(UNLOCKED);
}

function gone(): HaspError {
  return new HaspError(
    'E_BROKER_UNREACHABLE',
    'the broker does not answer, so nothing was checked',
    'see hasp broker status; start it again: hasp broker stop, hasp unlock',
  );
}
