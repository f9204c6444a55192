import { chmodSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { HaspError, type Reference } from '@hasp/core';
import type { Peer, PeerVerdict } from '@hasp/process-tree';
import { formatRefusal, formatValue, MAX_REQUEST_BYTES, NEWLINE, parseRequest } from './ask-protocol.ts';
import { descriptorOf } from './socket-peer.ts';

/** From the connection to the end of the answer: who is slower is closed. */
const PATIENCE_MS = 5_000;
/** Members that are connected at one time; one more, and who has waited longest is closed. */
const MAX_MEMBERS = 256;
/** How many may wait to be accepted; the kernel's own limit is often as high (net.core.somaxconn). */
const BACKLOG = 4_096;
/** Refused peers may still read why, for a moment. */
const MAX_REFUSED = 32;
const REFUSED_MS = 250;
/** Descriptors that the wrapper needs for itself: to watch the tree, to end it, and to write the log. */
const RESERVED = 48;

/** What the server asks of the run that it serves. */
export interface AskServing {
  /** The socket; its folder is there, and is ours alone. */
  readonly path: string;
  /** How many descriptors this process may have open: RLIMIT_NOFILE, as the command has it. */
  readonly descriptors: number;
  /** Nobody can be judged before; who comes earlier waits. */
  readonly ready: Promise<void>;
  /** Who connected to this descriptor, now. */
  judge(fd: number): PeerVerdict;
  /** Records the fetch, then gives the value. @throws HaspError, and then nothing is handed out */
  fetch(wanted: Reference, peer: Peer): Uint8Array;
}

/** Serves one run's `ask` grants on a unix socket: docs/formats/ask.md. */
export class AskServer {
  readonly #serving: AskServing;
  readonly #server: Server;
  /** In the order in which they came, each with the timer of its patience. */
  readonly #members = new Map<Socket, NodeJS.Timeout>();
  readonly #refused = new Set<Socket>();
  readonly #maxMembers: number;
  readonly #maxRefused: number;
  #closed = false;

  private constructor(serving: AskServing) {
    this.#serving = serving;
    // Clients may not take the descriptors with which their own end is seen to.
    const spare = Math.max(0, serving.descriptors - RESERVED);
    this.#maxMembers = Math.min(MAX_MEMBERS, 4 + Math.floor(spare / 2));
    this.#maxRefused = Math.min(MAX_REFUSED, 2 + Math.floor(spare / 8));
    this.#server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
      // Whatever befalls one connection ends that connection.
      socket.on('error', () => socket.destroy());
      void serving.ready.then(() => this.#accept(socket));
    });
  }

  /** @throws HaspError E_STORAGE where the socket can't be made */
  static async open(serving: AskServing): Promise<AskServer> {
    const asks = new AskServer(serving);
    try {
      await new Promise<void>((resolve, reject) => {
        asks.#server.once('error', reject);
        asks.#server.listen({ path: serving.path, backlog: BACKLOG }, resolve);
      });
      chmodSync(serving.path, 0o600);
    } catch (error) {
      asks.close();
      const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
      throw new HaspError('E_STORAGE', `the socket of the run could not be made (${code})`, `look at ${serving.path}`);
    }
    // A connection that could not be accepted: no descriptor left. The next may fare better.
    asks.#server.on('error', () => {});
    return asks;
  }

  /** From here on nobody is answered but with a refusal; the socket is gone. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#server.close();
    for (const socket of [...this.#members.keys()]) this.#refuse(socket, ended());
  }

  #accept(socket: Socket): void {
    const verdict = this.#judge(socket);
    if (verdict instanceof HaspError) {
      this.#refuse(socket, verdict);
      return;
    }
    this.#members.set(
      socket,
      setTimeout(() => this.#refuse(socket, tooSlow()), PATIENCE_MS),
    );
    socket.on('close', () => this.#forget(socket));
    this.#read(socket);
    const [longest] = this.#members.keys();
    if (this.#members.size > this.#maxMembers && longest !== undefined) this.#refuse(longest, tooMany());
  }

  #read(socket: Socket): void {
    let received = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      if (!this.#members.has(socket)) return;
      received = Buffer.concat([received, chunk.subarray(0, MAX_REQUEST_BYTES + 1 - received.length)]);
      const end = received.indexOf(NEWLINE);
      if (end >= 0) this.#serve(socket, received.subarray(0, end));
      else if (received.length > MAX_REQUEST_BYTES) this.#refuse(socket, tooLong());
    });
    socket.on('end', () => {
      if (this.#members.has(socket)) this.#refuse(socket, halfRequest());
    });
    socket.resume();
  }

  /** Who asks is judged once more: it may have ended, or left, since it connected. */
  #serve(socket: Socket, line: Uint8Array): void {
    socket.pause();
    socket.removeAllListeners('data').removeAllListeners('end');
    const answer = this.#answer(socket, line);
    if (answer instanceof HaspError) {
      this.#refuse(socket, answer);
      return;
    }
    socket.end(answer, () => {
      answer.fill(0);
      socket.destroy();
    });
  }

  #answer(socket: Socket, line: Uint8Array): Buffer | HaspError {
    const peer = this.#judge(socket);
    if (peer instanceof HaspError) return peer;
    try {
      return formatValue(this.#serving.fetch(parseRequest(line), peer));
    } catch (error) {
      return error instanceof HaspError ? error : new HaspError('E_INTERNAL', 'a fault of hasp');
    }
  }

  /** The member that connected, or why it is not served. */
  #judge(socket: Socket): Peer | HaspError {
    if (this.#closed) return ended();
    const fd = descriptorOf(socket) ?? -1;
    const verdict: PeerVerdict = fd < 0 ? { kind: 'unknown' } : this.#serving.judge(fd);
    if (verdict.kind === 'member') return verdict.peer;
    return verdict.kind === 'outsider' ? outsider() : unknownPeer();
  }

  /**
   * Says why, and reads nothing more. The sending half is closed at once and the rest a moment later,
   * since a request that meets a closed socket costs many a client the answer.
   */
  #refuse(socket: Socket, why: HaspError): void {
    this.#forget(socket);
    socket.removeAllListeners('data').removeAllListeners('end').pause();
    socket.end(formatRefusal(why));
    this.#refused.add(socket);
    const [oldest] = this.#refused;
    if (this.#refused.size > this.#maxRefused && oldest !== undefined) oldest.destroy();
    const leaving = setTimeout(() => socket.destroy(), REFUSED_MS);
    socket.on('close', () => {
      clearTimeout(leaving);
      this.#refused.delete(socket);
    });
  }

  #forget(socket: Socket): void {
    clearTimeout(this.#members.get(socket));
    this.#members.delete(socket);
  }
}

const outsider = () => new HaspError('E_NOT_IN_TREE', 'this run does not serve the process that asks');
const unknownPeer = () => new HaspError('E_PEER_UNKNOWN', 'the system does not say who asks');
const ended = () => new HaspError('E_GRANT_MISSING', 'the grants of this run have ended');
const tooMany = () => new HaspError('E_BROKER_UNREACHABLE', 'too many processes are connected and do not ask');
const tooSlow = () => new HaspError('E_USAGE', 'no whole request came in time');
const tooLong = () => new HaspError('E_USAGE', `a request has ${MAX_REQUEST_BYTES} bytes at most`);
const halfRequest = () => new HaspError('E_USAGE', 'the request ended before its newline');
