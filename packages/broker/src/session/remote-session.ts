import { HaspError, type Home, type ProcessIdentity } from '@hasp/core';
import type { RunOutcome } from '../ended-event.ts';
import type { Link } from '../remote/link.ts';
import { onRevocation, type RevocationReason } from '../revocation.ts';
import { sessionFile } from '../run-file.ts';
import { encodeEnvironment, type SessionAnswer, type SessionRequest } from './session-request.ts';
import { type SessionState, writeSession } from './session-state.ts';

/** A session as its wrapper has it: held by a line to the broker, and ended alone where that has gone. */
export class RemoteSession {
  readonly withheld: readonly string[];
  readonly isTrusted: boolean;
  readonly #home: Home;
  readonly #link: Link;
  #state: SessionState;

  private constructor(home: Home, link: Link, { state, withheld, isTrusted }: SessionAnswer) {
    this.#home = home;
    this.#link = link;
    this.#state = state;
    this.withheld = withheld;
    this.isTrusted = isTrusted;
  }

  /**
   * When it returns, the session is on record and the caller owes `end`.
   * @param environment what the session would inherit
   * @throws HaspError what the broker refuses with, E_VAULT_LOCKED, E_BROKER_UNREACHABLE
   */
  static async start(
    home: Home,
    link: Link,
    request: SessionRequest,
    environment: ReadonlyMap<string, string>,
  ): Promise<RemoteSession> {
    const bytes = encodeEnvironment(environment);
    try {
      const { ok } = await link.ask({ session: request }, bytes);
      return new RemoteSession(home, link, ok as unknown as SessionAnswer);
    } finally {
      bytes.fill(0);
    }
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Calls once when the session is asked to end. */
  onRevocation(revoked: (reason: RevocationReason) => void): { close(): void } {
    const { session } = this.#state;
    return onRevocation(this.#home, session, revoked, sessionFile(this.#home, session));
  }

  note(tree: { root?: ProcessIdentity; members: readonly ProcessIdentity[] }): void {
    this.#state = { ...this.#state, ...tree };
    if (!this.#link.isLost) {
      this.#link.send({ note: tree });
      return;
    }
    try {
      writeSession(this.#home, this.#state, false);
    } catch (error) {
      if (!(error instanceof HaspError)) throw error;
    }
  }

  /** Once. Resolves when the end is on record, or to what is to be told. @param alone where the broker has gone */
  async end(
    outcome: RunOutcome,
    alone: (state: SessionState, outcome: RunOutcome) => HaspError | undefined,
  ): Promise<HaspError | undefined> {
    try {
      await this.#link.ask({ end: outcome });
      return undefined;
    } catch (error) {
      if (!(error instanceof HaspError)) throw error;
      return error.code === 'E_BROKER_UNREACHABLE' ? alone(this.#state, outcome) : error;
    } finally {
      this.#link.close();
    }
  }
}
