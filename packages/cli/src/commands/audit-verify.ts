import { readdirSync } from 'node:fs';
import { type CheckpointProblem, type CheckpointReport, checkCheckpoint, type VerifyReport } from '@hasp/audit';
import { HaspError, type Home } from '@hasp/core';
import { readCheckpoint } from '../checkpoint-file.ts';
import { type Answer, type CommandInput, textOption } from '../command.ts';
import type { Context } from '../context.ts';
import { checkHome } from '../home-guard.ts';
import { printError } from '../output.ts';
import { paletteFor } from '../palette.ts';
import { readPassphrase, unlock } from '../unlock.ts';
import { logBroken, signerOf, verifyWholeInTwo } from '../verified-log.ts';

const BROKEN = 6;

/** Reads only: it neither mends the log nor ends runs that lost their wrapper. */
export async function verifyAudit(input: CommandInput, context: Context): Promise<Answer> {
  checkHome(context.home, context.uid);
  const named = textOption(input, 'checkpoint');
  const note = named === undefined ? undefined : readCheckpoint(named, context);
  const vault = await unlock(input, context, readPassphrase);
  const { ok, records, head, fenced, problem } = await verifyWholeInTwo(vault, context);
  const checkpoint =
    note === undefined ? undefined : checkCheckpoint(context.home, note, signerOf(vault), vault.chain(), records);
  vault.close();
  const first = problem ?? checkpoint?.problem;
  const json = {
    ok: ok && first === undefined,
    records,
    head,
    ...(checkpoint === undefined ? {} : { checkpoint }),
    fenced,
    ...(first === undefined ? {} : { problem: first }),
  };
  if (first === undefined) return { json, text: verified(json, checkpoint, context) };
  if (!input.json) {
    if (problem !== undefined) printError(logBroken(problem), false);
    if (checkpoint?.problem !== undefined)
      printError(checkpointBroken(checkpoint, checkpoint.problem, context.home), false);
  }
  return { json, status: BROKEN };
}

function verified(
  { records, head, fenced }: Pick<VerifyReport, 'records' | 'head' | 'fenced'>,
  checkpoint: CheckpointReport | undefined,
  context: Context,
): string {
  const end = head === null ? 'no head' : `head ${head.seq} ${head.mac.slice(0, 16)}… of ${head.time}`;
  const torn = fenced === 0 ? '' : `, ${fenced} torn or foreign parts fenced`;
  const from = checkpoint === undefined ? '' : `, goes on from record ${checkpoint.seq}, signed ${checkpoint.time}`;
  return `${paletteFor(context.environment).green('ok')}: ${records} records, ${end}${torn}${from}`;
}

const HINTS: Readonly<Record<CheckpointProblem['code'], string>> = {
  'checkpoint-other-key': 'name a checkpoint that this vault has signed',
  'checkpoint-changed': 'name a copy of it that nobody touched',
  'checkpoint-other-chain': 'a recover or a restore began a new chain, or this home was put back to before one',
  'checkpoint-ahead': 'this home was put back to an earlier state, or its log cut: compare it with your backups',
  'checkpoint-bytes': 'this home was put back to an earlier state, or its log rewritten: compare it with your backups',
  'checkpoint-record': 'the checkpoint is signed and wrong: keep both for whoever looks into it',
};

function checkpointBroken({ chain }: CheckpointReport, { code, message }: CheckpointProblem, home: Home): HaspError {
  const archive = code === 'checkpoint-other-chain' ? archiveOf(home, chain) : undefined;
  const hint =
    archive === undefined
      ? HINTS[code]
      : `hasp audit recover has put that chain aside: check ${home.root}/${archive} with the public key (hasp audit checkpoint --public-key)`;
  return new HaspError('E_CHAIN_BROKEN', `${message} (${code})`, hint);
}

/** Named as recover names it. */
function archiveOf({ root }: Home, chain: string): string | undefined {
  return readdirSync(root).find((name) => name.startsWith(`audit-${chain.slice(0, 8)}-`) && name.endsWith('.jsonl'));
}
