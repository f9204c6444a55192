import { HaspError } from '@hasp/core';
import { UnixStream } from '@hasp/process-tree';
import { errorFrom } from '../link/failure.ts';
import { encodeFrame, type Frame, FrameReader } from '../link/frames.ts';
import { LINK_HELLO, LINK_WELCOME, SESSION, UNLOCKED } from '../link/hello.ts';

/** Every value of a run once, and what stands around them. */
const MAX_FRAME_BYTES = 512 * 1024 * 1024;
/** A broker that is stopped answers nobody. */
const WELCOME_MS = 10_000;

/** What a stream calls. */
export interface Listening {
  received(chunk: Buffer): void;
  ended(): void;
}

export interface Stream {
  /** False where the other side is gone or stuck. */
  write(bytes: Uint8Array): boolean;
  close(): void;
}

/** What the broker says first. */
interface Greeting {
  readonly isUnlocked: boolean;
  /** The session that it sees this process in; `unknown` where it can't be told. */
  readonly session?: string;
}

/**
 * A line to the broker: one question at a time, each with one answer. It is held while a run lives, so
 * that the broker sees at once when the wrapper dies.
 */
export class Link {
  readonly #stream: Stream;
  readonly #reader = new FrameReader(MAX_FRAME_BYTES);
  readonly #waiting: { resolve(frame: Frame): void; reject(error: HaspError): void }[] = [];
  readonly #welcomed: (greeting: Greeting) => void;
  /** Called with the request that a person has to approve. */
  onWaiting: (request: string) => void = () => {};
  /** Called once, when it ends, whoever ended it. */
  onLost: (error: HaspError) => void = () => {};
  #welcome: Buffer | undefined = Buffer.alloc(0);
  #lost: HaspError | undefined;

  private constructor(stream: Stream, on: Listening, welcomed: (greeting: Greeting) => void) {
    this.#stream = stream;
    this.#welcomed = welcomed;
    on.received = (chunk) => this.#receive(chunk);
    on.ended = () => this.#lose(unreachable('it ended'));
  }

  /**
   * Undefined where no broker listens there. The question goes out at once: what is done before the promise is
   * awaited is done while the broker answers.
   * @throws HaspError E_BROKER_UNREACHABLE where one should listen and does not
   */
  static async open(socket: string): Promise<({ link: Link } & Greeting) | undefined> {
    const on: Listening = { received: () => {}, ended: () => {} };
    const quick = UnixStream.open(
      socket,
      (chunk) => on.received(chunk),
      () => on.ended(),
    );
    if (quick === 'ENOENT' || quick === 'ECONNREFUSED') return undefined;
    if (typeof quick === 'string') throw unreachable(quick);
    if (quick !== undefined) return Link.#greet(quick, on);
    const stream = await (await import('./net-stream.ts')).openNetStream(socket, on);
    return stream && Link.#greet(stream, on);
  }

  static #greet(stream: Stream, on: Listening): Promise<{ link: Link } & Greeting> {
    return new Promise((resolve, reject) => {
      const patience = setTimeout(() => link.#lose(unreachable('no answer')), WELCOME_MS);
      const link: Link = new Link(stream, on, (greeting) => {
        clearTimeout(patience);
        resolve({ link, ...greeting });
      });
      link.onLost = (error) => {
        clearTimeout(patience);
        reject(error);
      };
      if (!stream.write(Buffer.from(LINK_HELLO))) link.#lose(unreachable('it takes nothing'));
    });
  }

  /** Sends, and waits for the answer. @throws HaspError what the broker refuses with, E_BROKER_UNREACHABLE */
  async ask(
    message: object,
    bytes?: Uint8Array,
  ): Promise<{ readonly ok: Readonly<Record<string, unknown>>; readonly bytes: Buffer }> {
    const frame = await new Promise<Frame>((resolve, reject) => {
      if (this.#lost !== undefined) return reject(this.#lost);
      this.#waiting.push({ resolve, reject });
      this.send(message, bytes);
    });
    const refusal = errorFrom(frame.message['error']);
    if (refusal !== undefined) throw refusal;
    const { ok } = frame.message;
    if (typeof ok === 'object' && ok !== null) return { ok: ok as Record<string, unknown>, bytes: frame.bytes };
    throw unreachable('its answer can not be read');
  }

  /** Nothing comes back. */
  send(message: object, bytes?: Uint8Array): void {
    if (this.#lost !== undefined) return;
    const frame = encodeFrame(message, bytes === undefined ? [] : [bytes]);
    if (!this.#stream.write(frame)) this.#lose(unreachable('it takes nothing'));
    frame.fill(0);
  }

  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  close(): void {
    this.#lose(unreachable('the line is closed'));
  }

  #receive(chunk: Buffer): void {
    try {
      const rest = this.#welcome === undefined ? chunk : this.#takeWelcome(chunk);
      if (rest === undefined || rest.length === 0) return;
      for (const frame of this.#reader.feed(rest)) this.#take(frame);
    } catch (error) {
      this.#lose(error instanceof HaspError ? unreachable(error.message) : unreachable('its answer can not be read'));
    }
  }

  /** A person is asked: the answer comes later. */
  #take(frame: Frame): void {
    const { waiting } = frame.message;
    if (typeof waiting === 'string') this.onWaiting(waiting);
    else this.#waiting.shift()?.resolve(frame);
  }

  /** What follows the welcome; undefined before its end. */
  #takeWelcome(chunk: Buffer): Buffer | undefined {
    this.#welcome = Buffer.concat([this.#welcome ?? Buffer.alloc(0), chunk]);
    const end = this.#welcome.indexOf('\r\n\r\n');
    if (end < 0) return undefined;
    const head = this.#welcome.toString('latin1', 0, end).split('\r\n');
    if (head[0] !== LINK_WELCOME.split('\r\n')[0]) {
      throw new HaspError('E_BROKER_UNREACHABLE', 'what listens there is no broker of this hasp');
    }
    const rest = this.#welcome.subarray(end + 4);
    this.#welcome = undefined;
    const session = head.find((line) => line.startsWith(SESSION))?.slice(SESSION.length);
    this.#welcomed({ isUnlocked: head.includes(UNLOCKED), ...(session === undefined ? {} : { session }) });
    return rest;
  }

  #lose(error: HaspError): void {
    if (this.#lost !== undefined) return;
    this.#lost = error;
    this.#stream.close();
    this.#reader.wipe();
    for (const { reject } of this.#waiting.splice(0)) reject(error);
    this.onLost(error);
  }
}

function unreachable(why: string): HaspError {
  return new HaspError(
    'E_BROKER_UNREACHABLE',
    `the broker does not answer (${why})`,
    'see hasp broker status; start it again: hasp broker stop, hasp unlock',
  );
}
