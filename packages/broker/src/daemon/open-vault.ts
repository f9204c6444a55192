import type { AuditLog } from '@hasp/audit';
import { type AuditEvent, type Clock, HaspError, type Home, type Random } from '@hasp/core';
import { LockedVault, type Vault } from '@hasp/vault';
import { Broker, type RunLog } from '../broker.ts';
import { checkMark } from '../check-mark.ts';
import { reopenedFrom } from './reopened.ts';

export interface VaultFacts {
  readonly home: Home;
  readonly clock: Clock;
  readonly random: Random;
  /** Names the build of the match engine. */
  readonly engine?: string;
}

/** A timer holds 24.8 days at most. */
const LONGEST_MS = 2 ** 31 - 1;

/** The vault of a daemon: open or locked, and locked again after a time without use. */
export class OpenVault {
  readonly #facts: VaultFacts;
  readonly #log: AuditLog;
  readonly #answerLog: RunLog;
  readonly #idle: () => void;
  #idleMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #open: { readonly vault: Vault; readonly broker: Broker } | undefined;

  /**
   * @param answerLog the same log, for what somebody waits for
   * @param idle called when nothing was asked for so long
   */
  constructor(facts: VaultFacts, log: AuditLog, answerLog: RunLog, idleMs: number | undefined, idle: () => void) {
    this.#facts = facts;
    this.#log = log;
    this.#answerLog = answerLog;
    this.#idleMs = idleMs;
    this.#idle = idle;
  }

  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  /** @throws HaspError E_VAULT_LOCKED */
  get broker(): Broker {
    return this.#use().broker;
  }

  /** @throws HaspError E_VAULT_LOCKED */
  get vault(): Vault {
    return this.#use().vault;
  }

  /** Without counting as a use. @throws HaspError E_VAULT_LOCKED */
  peek(): Vault {
    if (this.#open === undefined) throw locked();
    return this.#open.vault;
  }

  /** @param wrapping wiped @throws HaspError E_WRONG_KEY, which is recorded, E_CHAIN_BROKEN, E_AUDIT_WRITE */
  unlock(wrapping: Uint8Array, idleMs: number | undefined = this.#idleMs): void {
    const vault = this.#openWith(wrapping);
    try {
      checkMark(vault, this.#log, this.#facts.home);
      vault.writeMark(this.#log.append([{ type: 'vault.unlocked', keySource: 'broker' }]));
    } catch (error) {
      vault.close();
      throw error;
    }
    this.#forget();
    const reopened = reopenedFrom(
      () => this.vault,
      () => this.peek(),
    );
    const broker = new Broker({ ...this.#facts, vault, log: this.#answerLog, reopened });
    this.#open = { vault, broker };
    this.#idleMs = idleMs;
    this.#touch();
  }

  /** The key is gone from this process's memory, recorded or not; what was delivered stays with the runs that have it. */
  lock(why: 'asked' | 'idle' | 'stopped'): void {
    try {
      if (this.#open !== undefined) this.record({ type: 'vault.locked', why });
    } finally {
      this.#forget();
    }
  }

  record(event: AuditEvent): void {
    const mark = this.#log.append([event]);
    this.#open?.vault.writeMark(mark);
  }

  /** Moves the vault's mark to the end of the log, if it is open. */
  writeMark(): void {
    this.#open?.vault.writeMark(this.#log.head());
  }

  #use(): { readonly vault: Vault; readonly broker: Broker } {
    if (this.#open === undefined) throw locked();
    this.#touch();
    return this.#open;
  }

  #openWith(wrapping: Uint8Array): Vault {
    const { home, random, clock } = this.#facts;
    try {
      return new LockedVault(home, { random, clock }).unlockWithWrappingKey(wrapping);
    } catch (error) {
      if (error instanceof HaspError && error.code === 'E_WRONG_KEY') {
        this.#log.append([{ type: 'auth.failed', keySource: 'broker' }]);
      }
      throw error;
    }
  }

  #forget(): void {
    clearTimeout(this.#timer);
    this.#open?.vault.close();
    this.#open = undefined;
  }

  #touch(): void {
    clearTimeout(this.#timer);
    if (this.#idleMs === undefined) return;
    this.#timer = setTimeout(this.#idle, Math.min(this.#idleMs, LONGEST_MS)).unref();
  }
}

export function locked(): HaspError {
  return new HaspError('E_VAULT_LOCKED', 'the broker is locked', 'hasp unlock');
}
