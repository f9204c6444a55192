import type { Socket } from 'node:net';
import { deliveryFields, type GrantEndReason, HaspError, MAX_TTL_MS, type ProcessIdentity } from '@hasp/core';
import type { Finder, NamedValue } from '@hasp/match';
import type { ConnectedPeer } from '@hasp/process-tree';
import type { RunOutcome } from '../ended-event.ts';
import { failureOf } from '../link/failure.ts';
import { object, text } from '../link/fields.ts';
import { encodeFrame, type Frame, FrameReader } from '../link/frames.ts';
import { readRequest } from '../link/run-message.ts';
import { readOutcome, readTree } from '../link/tree-message.ts';
import type { OpenRun } from '../open-run.ts';
import type { RunAnswer } from '../remote/remote-run.ts';
import type { RunRequest } from '../run-request.ts';
import { readSessionRequest } from '../session/session-request.ts';
import type { Sessions } from '../session/sessions.ts';
import type { DecidedRuns } from './decided-runs.ts';
import { Looking } from './looking.ts';
import { locked } from './open-vault.ts';
import type { Timed } from './overdue.ts';

const MAX_FRAME_BYTES = 8 * 1024 * 1024;

/** What is asked of the broker itself. */
export const CONTROL_DEEDS = ['status', 'unlock', 'lock', 'stop', 'reload', 'waiting', 'approve', 'revoke'] as const;
export type ControlDeed = (typeof CONTROL_DEEDS)[number];

/** What a line needs of the daemon. */
export interface LineHost {
  readonly runs: DecidedRuns;
  /** @throws HaspError E_VAULT_LOCKED */
  finder(more: NamedValue | undefined): Finder;
  readonly isUnlocked: boolean;
  readonly sessions: Sessions;
  readonly host: string;
  /** How many descriptors this process may have open. */
  readonly descriptors: number;
  /** @throws HaspError as the refusal has it */
  control(deed: ControlDeed, frame: Frame, peer: ConnectedPeer): object;
  /** The wrapper is gone, or has let go of its run or session: ends what is left of its tree. */
  lost(id: string, wrapper: ProcessIdentity): void;
}

/** One wrapper's connection, from the question for its grants to the record of their end. */
export class Line {
  readonly #socket: Socket;
  readonly #peer: ConnectedPeer;
  readonly #host: LineHost;
  readonly #reader = new FrameReader(MAX_FRAME_BYTES);
  readonly #gone = new AbortController();
  readonly #looking: Looking;
  #run: OpenRun | undefined;
  #session: string | undefined;
  #hasAsked = false;

  /** @param peer who connected, from the kernel */
  constructor(socket: Socket, peer: ConnectedPeer, host: LineHost, closed: () => void) {
    this.#socket = socket;
    this.#peer = peer;
    this.#host = host;
    this.#looking = new Looking((more) => host.finder(more));
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('end', () => socket.destroy());
    socket.on('close', () => {
      this.#reader.wipe();
      this.#gone.abort();
      this.#looking.wipe();
      this.#letGo();
      closed();
    });
  }

  /** The run or session whose wrapper holds this line. */
  get held(): string | undefined {
    return this.#run?.id ?? this.#session;
  }

  get run(): string | undefined {
    return this.#run?.id;
  }

  /** The run's, as its wrapper has to mind it. */
  get timed(): Timed | undefined {
    return this.#run && { wrapper: this.#peer.identity, expiresAt: this.#run.expiresAt, graceMs: this.#run.graceMs };
  }

  /** The wrapper goes on by itself. What was answered still arrives. */
  release(): void {
    this.#run = undefined;
    this.#session = undefined;
    this.#socket.destroySoon();
  }

  #receive(chunk: Buffer): void {
    try {
      for (const frame of this.#reader.feed(chunk)) void this.#take(frame);
      chunk.fill(0);
    } catch (error) {
      this.#answer({ error: failureOf(error) });
      this.#socket.end();
    }
  }

  async #take(frame: Frame): Promise<void> {
    const { message } = frame;
    try {
      const deed = CONTROL_DEEDS.find((each) => each in message);
      if (deed !== undefined) this.#answer({ ok: this.#host.control(deed, frame, this.#peer) });
      else if ('look' in message) this.#look(frame);
      else if ('note' in message) this.#note(message['note']);
      else if ('withdraw' in message) this.#run?.withdraw();
      else if ('end' in message) this.#end(readOutcome(message['end']));
      else if ('run' in message) await this.#grant(this.#request(message['run']));
      else if ('session' in message) this.#startSession(message['session'], frame.bytes);
      else if ('explain' in message) await this.#explain(this.#request(message['explain']));
      else if ('mask' in message) this.#mask(this.#request(message['mask']), text(message['text'], 'text'));
      else throw new HaspError('E_USAGE', 'no such question');
    } catch (error) {
      this.#answer({ error: failureOf(error) });
    } finally {
      frame.bytes.fill(0);
    }
  }

  #look({ message, bytes }: Frame): void {
    const looked = this.#looking.take(message['look'], bytes);
    if (looked !== undefined) this.#answer({ ok: looked.ok }, looked.bytes === undefined ? [] : [looked.bytes]);
  }

  #note(message: unknown): void {
    const tree = readTree(message);
    if (this.#session !== undefined) this.#host.sessions.note(this.#session, tree);
    else this.#run?.note(tree);
  }

  #startSession(message: unknown, environment: Buffer): void {
    if (this.#hasAsked) throw new HaspError('E_USAGE', 'this line has had its run');
    this.#hasAsked = true;
    const answer = this.#host.sessions.start(readSessionRequest(message), environment, this.#peer);
    this.#session = answer.state.session;
    this.#answer({ ok: answer });
  }

  async #explain(request: RunRequest): Promise<void> {
    this.#answer({ ok: { explained: await this.#host.runs.explain(request) } });
  }

  #mask(request: RunRequest, words: string): void {
    this.#answer({ ok: { text: this.#host.runs.mask(request, words) } });
  }

  #request(message: unknown): RunRequest {
    const asked = readRequest(object(message, 'request'));
    const { identity, uid } = this.#peer;
    const agent = this.#host.sessions.agentOf(this.#peer);
    return {
      ...asked,
      ...(agent === undefined ? {} : { agent }),
      ttlMs: Math.min(asked.ttlMs, MAX_TTL_MS, this.#host.sessions.msLeft(agent?.session)),
      graceMs: Math.min(asked.graceMs, MAX_TTL_MS),
      caller: { ...asked.caller, wrapper: identity, uid, host: this.#host.host },
    };
  }

  async #grant(request: RunRequest): Promise<void> {
    if (this.#hasAsked) throw new HaspError('E_USAGE', 'this line has had its run');
    this.#hasAsked = true;
    const run = await this.#host.runs.open(request, {
      asked: ({ id }) => this.#answer({ waiting: id }),
      gone: this.#gone.signal,
    });
    this.#run = run;
    this.#checkSession(request);
    const socket = run.isAsked ? await run.serve(this.#host.descriptors) : undefined;
    this.#checkUnlocked();
    const granted = run.granted();
    const indexOf = (variable: string): number =>
      request.wishes.findIndex(({ binding: { delivery } }) => deliveryFields(delivery).variable === variable);
    const stdin = request.wishes.findIndex(({ binding }) => binding.delivery.kind === 'stdin');
    const answer: RunAnswer = {
      run: run.id,
      expiresAt: run.expiresAt,
      values: granted.map(({ name, bytes, placeholder }) => ({ name, length: bytes.length, placeholder })),
      env: [...run.environment].flatMap(([name, value]) => (typeof value === 'string' ? [] : [[name, indexOf(name)]])),
      paths: [...run.environment].flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
      ...(stdin < 0 ? {} : { stdin }),
      ...(socket === undefined ? {} : { socket }),
    };
    this.#answer(
      { ok: answer },
      granted.map(({ bytes }) => bytes),
    );
    // From here on the wrapper has them.
    run.wipe();
    // It may have gone while the socket was being made.
    if (this.#socket.destroyed) this.#letGo();
  }

  /** A decision takes its time where a person is asked. @throws HaspError E_SESSION_MISSING */
  #checkSession({ agent }: RunRequest): void {
    if (agent?.session === undefined || this.#host.sessions.isLive(agent.session)) return;
    this.#giveUp('session-ended');
    throw new HaspError('E_SESSION_MISSING', 'the session has ended');
  }

  /** It may have been locked while the socket was being made. @throws HaspError E_VAULT_LOCKED */
  #checkUnlocked(): void {
    if (this.#host.isUnlocked) return;
    this.#giveUp('spawn-failed');
    throw locked();
  }

  #giveUp(reason: GrantEndReason): void {
    this.#run?.withdraw();
    this.#run?.end({ reason, survivors: [] });
    this.#run?.wipe();
    this.#run = undefined;
  }

  #end(outcome: RunOutcome): void {
    const [run, session] = [this.#run, this.#session];
    this.#run = undefined;
    this.#session = undefined;
    const trouble =
      session === undefined
        ? run?.end(outcome, (deed) => setImmediate(deed))
        : this.#host.sessions.end(session, outcome);
    run?.wipe();
    this.#answer(trouble === undefined ? { ok: {} } : { error: failureOf(trouble) });
  }

  /** Without a word of its end: fails closed at once. */
  #letGo(): void {
    const run = this.#run;
    const { held } = this;
    this.#run = undefined;
    this.#session = undefined;
    if (held === undefined) return;
    run?.withdraw();
    run?.wipe();
    this.#host.lost(held, this.#peer.identity);
  }

  #answer(message: object, values: readonly Uint8Array[] = []): void {
    if (this.#socket.destroyed) return;
    const frame = encodeFrame(message, values);
    this.#socket.write(frame, () => frame.fill(0));
  }
}
