import { verifyLog } from '@hasp/audit';
import { HaspError } from '@hasp/core';
import type { Answer, CommandInput } from '../command.ts';
import type { Context } from '../context.ts';
import { checkHome } from '../home-guard.ts';
import { isTerminal } from '../is-terminal.ts';
import { printError } from '../output.ts';
import { paletteFor } from '../palette.ts';
import { progressOn } from '../progress.ts';
import { readPassphrase, unlock } from '../unlock.ts';

const BROKEN = 6;

/** Reads only: it neither mends the log nor ends runs that lost their wrapper. */
export async function verifyAudit(input: CommandInput, context: Context): Promise<Answer> {
  checkHome(context.home, context.uid);
  const vault = await unlock(input, context, readPassphrase);
  const root = { chain: vault.chain(), k0: vault.auditKey() };
  const progress = isTerminal(2) ? progressOn('verified') : undefined;
  const report = verifyLog(context.home, root, vault.mark(), progress?.update);
  progress?.clear();
  vault.close();
  const { problem } = report;
  if (problem === undefined) {
    const head =
      report.head === null
        ? 'no head'
        : `head ${report.head.seq} ${report.head.mac.slice(0, 16)}… of ${report.head.time}`;
    const fenced = report.fenced === 0 ? '' : `, ${report.fenced} torn or foreign parts fenced`;
    return {
      json: report,
      text: `${paletteFor(context.environment).green('ok')}: ${report.records} records, ${head}${fenced}`,
    };
  }
  const where = `record ${problem.seq}, line ${problem.line}, byte ${problem.offset}`;
  const after = `${problem.verifiedAfter} records after it verify`;
  const error = new HaspError(
    'E_CHAIN_BROKEN',
    `the log is broken at ${where}: ${problem.message} (${problem.code}; ${after})`,
    'keep a copy of the home before anything else: the log is evidence',
  );
  if (!input.json) printError(error, false);
  return { json: report, status: BROKEN };
}
