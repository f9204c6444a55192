import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Transport } from '../fetch/asker.ts';

/** What is known of one connection. */
export interface Connection {
  readonly transport: Transport;
  readonly socket: Socket;
  /** Requests that are being answered. */
  busy: number;
  /** Who has asked by it; closed when what that one has is taken back. */
  limitKey?: string;
  /** An agent's token, of which that is the public id. */
  showsToken?: boolean;
  /** Nothing more of it is read: it asked for too much with tokens that hold nothing. */
  condemned?: true;
}

/** Every open connection of the API, bounded: one that does nothing makes room for one that may. */
export class Connections {
  readonly #most: number;
  /** Oldest first. */
  readonly #open = new Map<Duplex, Connection>();

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#open.size;
  }

  add(socket: Socket, transport: Transport): void {
    if (this.#open.size >= this.#most && !this.#makeRoom()) {
      socket.destroy();
      return;
    }
    this.#open.set(socket, { transport, socket, busy: 0 });
    socket.once('close', () => this.#open.delete(socket));
  }

  /** Undefined for one that was closed meanwhile. */
  of(socket: Socket): Connection | undefined {
    return this.#open.get(socket);
  }

  /** The public ids of agents' tokens. */
  shownTokens(): string[] {
    const shown = [...this.#open.values()].filter(({ showsToken }) => showsToken);
    return shown.flatMap(({ limitKey }) => limitKey ?? []);
  }

  limitKeys(): ReadonlySet<string> {
    const keys = [...this.#open.values()].map(({ limitKey }) => limitKey);
    return new Set(keys.filter((key) => key !== undefined));
  }

  /** It speaks another protocol from here on, and is somebody else's. */
  release(socket: Duplex): void {
    this.#open.delete(socket);
  }

  /** @param but the one that asked for it, which is still to be answered */
  close(limitKey: string, but?: Socket): void {
    for (const connection of this.#open.values())
      if (connection.limitKey === limitKey && connection.socket !== but) connection.socket.destroy();
  }

  /** The oldest that is idle; first among those that have shown nothing yet. */
  #makeRoom(): boolean {
    let oldest: Connection | undefined;
    for (const connection of this.#open.values()) {
      if (connection.busy > 0) continue;
      oldest ??= connection;
      if (connection.limitKey !== undefined) continue;
      oldest = connection;
      break;
    }
    if (oldest === undefined) return false;
    this.#open.delete(oldest.socket);
    oldest.socket.destroy();
    return true;
  }
}
