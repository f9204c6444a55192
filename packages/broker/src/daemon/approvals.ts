import { type Clock, HaspError, type Random } from '@hasp/core';

/** What an agent waits for. */
export interface Approval {
  /** 8 hex digits. */
  readonly id: string;
  readonly agent: string;
  readonly secret: string;
  readonly rule: string;
  readonly command?: string;
  readonly reason?: string;
  /** RFC 3339. */
  readonly requestedAt: string;
  readonly expiresAt: string;
}

export type ApprovalRequest = Omit<Approval, 'id' | 'requestedAt' | 'expiresAt'>;

const PATIENCE_MS = 180_000;
/** Who asks for more at once is told no. */
const MAX_WAITING = 64;

/** Requests that a person has to decide; silence means no. */
export class Approvals {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #waiting = new Map<string, { approval: Approval; settle(approved: boolean): void; unheard(): void }>();
  #isClosed = false;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Oldest first. */
  get waiting(): readonly Approval[] {
    return [...this.#waiting.values()].map(({ approval }) => approval);
  }

  /**
   * @param asked gets what a person has to name @param gone whoever asked has gone: nobody waits any more
   * @throws HaspError E_BROKER_UNREACHABLE where nobody will be there to hear the answer
   */
  ask(request: ApprovalRequest, asked: (approval: Approval) => void, gone: AbortSignal): Promise<boolean> {
    if (this.#isClosed) return Promise.reject(stopping());
    if (this.#waiting.size >= MAX_WAITING || gone.aborted) return Promise.resolve(false);
    const now = this.#clock();
    const approval: Approval = {
      id: Buffer.from(this.#random(4)).toString('hex'),
      ...request,
      requestedAt: new Date(now).toISOString(),
      expiresAt: new Date(now + PATIENCE_MS).toISOString(),
    };
    return new Promise((resolve, reject) => {
      const forget = (): void => {
        clearTimeout(timer);
        gone.removeEventListener('abort', leave);
        this.#waiting.delete(approval.id);
      };
      const settle = (approved: boolean): void => {
        forget();
        resolve(approved);
      };
      const unheard = (): void => {
        forget();
        reject(stopping());
      };
      const leave = (): void => settle(false);
      const timer = setTimeout(leave, PATIENCE_MS).unref();
      gone.addEventListener('abort', leave);
      this.#waiting.set(approval.id, { approval, settle, unheard });
      asked(approval);
    });
  }

  /** False where nothing of that id waits. */
  settle(id: string, approved: boolean): boolean {
    const waiting = this.#waiting.get(id);
    waiting?.settle(approved);
    return waiting !== undefined;
  }

  /** The answer to all that wait, or to those of one agent, is no. Returns how many. */
  withdraw(agent?: string): number {
    const found = [...this.#waiting.values()].filter(({ approval }) => agent === undefined || approval.agent === agent);
    for (const { settle } of found) settle(false);
    return found.length;
  }

  /** The broker stops: nothing is decided of what waits, and who asked is told so. */
  close(): void {
    this.#isClosed = true;
    for (const { unheard } of [...this.#waiting.values()]) unheard();
  }
}

function stopping(): HaspError {
  return new HaspError(
    'E_BROKER_UNREACHABLE',
    'the broker stops, and nobody has decided yet',
    'ask again, once it runs',
  );
}
