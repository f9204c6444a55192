import {
  AuditLog,
  type Problem,
  rebuildSeal,
  sealState,
  unfinishedRestart,
  type VerifyReport,
  verifyLog,
} from '@hasp/audit';
import { chainKey, restartChain, type Vault } from '@hasp/vault';
import type { Context } from './context.ts';
import { verifyWhole } from './verified-log.ts';

/** What could be set right without giving anything up. */
export interface Mended {
  readonly outcome: 'fenced' | 'resealed' | 'finished';
  readonly says: string;
  readonly report: VerifyReport;
}

/**
 * What needs no new chain: a killed recover, a lost seal beside an intact log, and what the next append would fence.
 * Undefined where none of them is the matter; then nothing of the log was lost by trying.
 */
export function mendLog(vault: Vault, context: Context, problem: Problem): Mended | undefined {
  return finishRestart(vault, context) ?? reseal(vault, context, problem) ?? fenceEnd(vault, context, problem);
}

/** A person has confirmed it, and the vault alone can have made that first record: nobody is asked again. */
function finishRestart(vault: Vault, context: Context): Mended | undefined {
  const { home } = context;
  const chain = unfinishedRestart(home, vault.chain());
  if (chain === undefined) return undefined;
  const root = { chain, k0: chainKey(vault, chain) };
  const { ok, head } = verifyLog(home, root, undefined);
  root.k0.fill(0);
  if (!ok || head === null) return undefined;
  restartChain(vault, { chain, seq: head.seq, mac: head.mac });
  return {
    outcome: 'finished',
    says: 'finished an earlier recover, which had been killed half way',
    report: verifyWhole(vault, context),
  };
}

function reseal(vault: Vault, context: Context, { code }: Problem): Mended | undefined {
  if (!['seal-missing', 'seal-damaged', 'torn-tail'].includes(code)) return undefined;
  const { home } = context;
  const state = sealState(home);
  if (typeof state !== 'string') return undefined;
  // Under the vault's lock: of two at once one makes the seal.
  const rebuilt = vault.transaction(() => {
    const root = { chain: vault.chain(), k0: vault.auditKey() };
    const end = rebuildSeal(home, root, vault.mark());
    root.k0.fill(0);
    return end;
  });
  if (rebuilt === undefined) return undefined;
  const log = AuditLog.open(home, context.clock);
  vault.writeMark(log.append([{ type: 'audit.resealed', why: `seal-${state}`, last: rebuilt.seq }]));
  log.close();
  const noted = vault.mark()?.seq ?? 0;
  return {
    outcome: 'resealed',
    says: `the seal was ${state === 'missing' ? 'lost' : 'damaged'}, and is made anew behind record ${rebuilt.seq}; this is on record as ${noted}`,
    report: verifyWhole(vault, context),
  };
}

/** Behind the sealed end: the next append would do the same. */
function fenceEnd(vault: Vault, context: Context, problem: Problem): Mended | undefined {
  const state = sealState(context.home);
  if (typeof state === 'string' || state.chain !== vault.chain() || problem.offset < state.offset) return undefined;
  const log = AuditLog.open(context.home, context.clock);
  log.settle();
  const report = verifyWhole(vault, context);
  if (report.ok && report.head !== null) vault.writeMark({ chain: vault.chain(), ...report.head });
  log.close();
  return report.ok ? { outcome: 'fenced', says: 'fenced what stood behind the end of the log', report } : undefined;
}
