import { AuditLog } from '@hasp/audit';
import { checkMark, mayHaveSessions, type Reconciled, reconcile } from '@hasp/broker';
import type { AuditEvent } from '@hasp/core';
import { HaspError } from '@hasp/core';
import type { Vault } from '@hasp/vault';
import type { Context } from './context.ts';
import { checkHome } from './home-guard.ts';
import type { GlobalInput } from './input.ts';
import { say } from './output.ts';
import { readPassphrase, unlock, unlockWithWrappingKey } from './unlock.ts';

/** The vault and its log, both open. */
export interface Stores {
  readonly vault: Vault;
  readonly log: AuditLog;
  /** Writes the record, on disk, and moves the vault's mark. Inside a change of the vault: before its commit. */
  record(event: AuditEvent): void;
  close(): void;
}

/** The log alone: what can be recorded while the vault is locked. */
export class LockedHome {
  readonly #context: Context;
  #log: AuditLog | undefined;

  private constructor(context: Context) {
    this.#context = context;
  }

  /** Checks the home, then ends what killed wrappers left. @throws HaspError E_HOME_UNSAFE */
  static async enter(context: Context): Promise<LockedHome> {
    checkHome(context.home, context.uid);
    const home = new LockedHome(context);
    await endLost(context, () => home.log);
    return home;
  }

  get log(): AuditLog {
    this.#log ??= AuditLog.open(this.#context.home, this.#context.clock);
    return this.#log;
  }

  /** @throws HaspError as `unlock`; a wrong key is recorded. */
  unlock(input: GlobalInput, ask: typeof readPassphrase, ready?: Promise<void>): Promise<Stores> {
    const keySource = input.passphraseFd === undefined ? 'key-file or terminal' : 'passphrase-fd';
    return this.#open(keySource, () => unlock(input, this.#context, ask, ready));
  }

  /** @param wrapping from `obtainWrappingKey`; wiped @throws HaspError as `unlock` */
  unlockWith(wrapping: Uint8Array): Promise<Stores> {
    return this.#open('terminal', () => unlockWithWrappingKey(wrapping, this.#context));
  }

  async #open(keySource: string, openVault: () => Vault | Promise<Vault>): Promise<Stores> {
    const vault = await this.#openVault(keySource, openVault);
    const log = this.log;
    checkMark(vault, log, this.#context.home);
    return {
      vault,
      log,
      record: (event) => vault.writeMark(log.append([event])),
      close: () => {
        log.close();
        vault.close();
      },
    };
  }

  async #openVault(keySource: string, openVault: () => Vault | Promise<Vault>): Promise<Vault> {
    try {
      return await openVault();
    } catch (error) {
      if (error instanceof HaspError && error.code === 'E_WRONG_KEY') {
        this.log.append([{ type: 'auth.failed', keySource }]);
      }
      throw error;
    }
  }
}

export async function openStores(input: GlobalInput, context: Context): Promise<Stores> {
  const home = await LockedHome.enter(context);
  return home.unlock(input, readPassphrase);
}

/** Ends the runs whose wrapper was killed since this home was entered. */
export async function endLostRuns(context: Context): Promise<void> {
  let log: AuditLog | undefined;
  const open = (): AuditLog => {
    log ??= AuditLog.open(context.home, context.clock);
    return log;
  };
  await endLost(context, open);
  log?.close();
}

async function endLost(context: Context, openLog: () => AuditLog): Promise<void> {
  if (mayHaveSessions(context.home)) await (await import('./inside-run.ts')).endLostSessions(context, openLog);
  for (const run of await reconcile(context.home, openLog, context.clock)) sayReconciled(run);
}

function sayReconciled(run: Reconciled): void {
  if (run.survivors.length === 0) return;
  const names = run.survivors.map(({ command, pid, outcome }) => `${command} (${pid}), ${outcome}`).join('; ');
  say(
    `an earlier run lost its wrapper and left ${run.survivors.length} running with ${run.secrets.join(', ')}: ${names}`,
  );
}
