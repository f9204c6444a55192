import { type BrokenLog, type Problem, type RestartedLog, restartLog, type VerifyReport } from '@hasp/audit';
import { HaspError } from '@hasp/core';
import { chainKey, restartChain, type Vault } from '@hasp/vault';
import type { Answer, CommandInput } from '../command.ts';
import type { Context } from '../context.ts';
import { checkHome } from '../home-guard.ts';
import { mendLog } from '../mended-log.ts';
import { say } from '../output.ts';
import { askLine } from '../terminal.ts';
import { readPassphrase, unlock } from '../unlock.ts';
import { logBroken, verifyWhole, verifyWholeInTwo } from '../verified-log.ts';

const WORD = 'recover';
const CHAIN_BYTES = 16;

/** Gives up as little as it can: nothing, then the place of the end, and the chain only on a person's word. */
export async function recoverAudit(input: CommandInput, context: Context): Promise<Answer> {
  checkHome(context.home, context.uid);
  const vault = await unlock(input, context, readPassphrase);
  try {
    const report = await verifyWholeInTwo(vault, context);
    const { problem } = report;
    if (problem === undefined)
      return answer('nothing', report, vault, ['the log is intact: there is nothing to recover']);
    const mended = mendLog(vault, context, problem);
    if (mended?.report.problem !== undefined) throw logBroken(mended.report.problem);
    if (mended !== undefined) return answer(mended.outcome, mended.report, vault, [mended.says], { problem });
    return restart(vault, { ...report, problem }, input, context);
  } finally {
    vault.close();
  }
}

function restart(
  vault: Vault,
  report: VerifyReport & { readonly problem: Problem },
  input: CommandInput,
  context: Context,
): Answer {
  const broken: BrokenLog = { ...report, chain: vault.chain(), mark: vault.mark() };
  if (!input.json) explain(broken);
  confirm();
  const restarted = vault.transaction(() => beginAnew(vault, broken, context));
  const { archive, report: beside } = restarted;
  const kept =
    archive === undefined ? 'there was no log to keep' : `the old log is kept as ${context.home.root}/${archive}`;
  return answer(
    'restarted',
    verifyWhole(vault, context),
    vault,
    [
      `${kept}; what is known of it stands in ${beside} beside it`,
      'a new chain has begun, and its first record names the old one; sign it soon: hasp audit checkpoint --out FILE',
    ],
    { problem: broken.problem, ...(archive === undefined ? {} : { archive }), report: beside },
  );
}

function beginAnew(vault: Vault, broken: BrokenLog, { home, random, clock }: Context): RestartedLog {
  if (vault.chain() !== broken.chain) {
    throw new HaspError('E_CHAIN_BROKEN', 'another recover was quicker', 'look again: hasp audit verify');
  }
  const chain = Buffer.from(random(CHAIN_BYTES)).toString('hex');
  const k0 = chainKey(vault, chain);
  try {
    const restarted = restartLog(home, broken, { chain, k0 }, clock);
    restartChain(vault, restarted.mark);
    return restarted;
  } finally {
    k0.fill(0);
  }
}

function explain({ problem, records, chain }: BrokenLog): void {
  say(logBroken(problem).message);
  const before = records === 0 ? 'no record before it' : `records 1 to ${records} before it`;
  say(`what still verifies: ${before}, ${problem.verifiedAfter} behind it`);
  say('a broken log is evidence, and can not be repaired: whoever changed it may have had a reason');
  say(
    `recover keeps it as audit-${chain.slice(0, 8)}-….jsonl with a report beside it, and begins a new chain whose first record names it`,
  );
}

/** @throws HaspError E_DENIED */
function confirm(): void {
  const typed = askLine(`Type the word ${WORD} to do this: `);
  if (typed === WORD) return;
  if (typed === undefined) {
    throw new HaspError(
      'E_DENIED',
      'a broken log is put aside on the word of a person at a terminal only',
      'run hasp audit recover at a terminal; until then the log stays as it is, and nothing is granted',
    );
  }
  throw new HaspError('E_DENIED', `the word ${WORD} was not typed`, 'nothing was changed');
}

function answer(
  outcome: string,
  { records, head }: VerifyReport,
  vault: Vault,
  notes: readonly string[],
  more: Readonly<Record<string, unknown>> = {},
): Answer {
  return { json: { outcome, chain: vault.chain(), records, head, ...more }, notes };
}
