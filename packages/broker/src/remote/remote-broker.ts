import { HaspError } from '@hasp/core';
import type { Explained } from '../decision.ts';
import { requestMessage } from '../link/run-message.ts';
import type { RunRequest } from '../run-request.ts';
import type { Link } from './link.ts';
import { RemoteRun, type RunAnswer, type WithoutBroker } from './remote-run.ts';

/** The broker of another process: asked by the same words as one of our own. */
export class RemoteBroker {
  readonly session: string | undefined;
  readonly #link: Link;
  readonly #alone: WithoutBroker;

  /**
   * @param link to a broker that is unlocked
   * @param say one line for a person
   * @param session that the broker sees this process in
   */
  constructor(link: Link, alone: WithoutBroker, say: (line: string) => void, session?: string) {
    this.session = session;
    this.#link = link;
    link.onWaiting = (request) => say(`waits for a person to allow it: hasp approve ${request}`);
    this.#alone = alone;
  }

  /** @throws HaspError as `Broker.resolve`, E_VAULT_LOCKED where the broker is locked, E_BROKER_UNREACHABLE */
  async resolve(request: RunRequest): Promise<RemoteRun> {
    const { ok, bytes } = await this.#link.ask({ run: requestMessage(request) });
    return new RemoteRun(this.#link, ok as unknown as RunAnswer, bytes, this.#alone);
  }

  async explain(request: RunRequest): Promise<Explained[]> {
    const { ok } = await this.#link.ask({ explain: requestMessage(request) });
    return ok['explained'] as Explained[];
  }

  /** Where it can't be told what has to be masked, nothing of the text is shown. */
  async mask(request: RunRequest, text: string): Promise<string> {
    try {
      const { ok } = await this.#link.ask({ mask: requestMessage(request), text });
      return String(ok['text']);
    } catch (error) {
      if (error instanceof HaspError) return 'the command';
      throw error;
    }
  }

  close(): void {
    this.#link.close();
  }
}
