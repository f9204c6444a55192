import { exportRecords, parseTime } from '@hasp/audit';
import { type Answer, type CommandInput, textOption } from '../command.ts';
import type { Context } from '../context.ts';
import { checkHome } from '../home-guard.ts';
import { print } from '../output.ts';
import { readPassphrase, unlock } from '../unlock.ts';
import { logBroken, verifyWholeInTwo } from '../verified-log.ts';

/** Written at once; more than the longest record. */
const BATCH_BYTES = 262_144;
const NEWLINE = 0x0a;

/** Reads only. Of a broken log it gives what verifies, and says so. */
export async function exportAudit(input: CommandInput, context: Context): Promise<Answer> {
  const { home, clock } = context;
  checkHome(home, context.uid);
  const range = rangeOf(input, clock());
  const vault = await unlock(input, context, readPassphrase);
  const report = await verifyWholeInTwo(vault, context);
  const chain = vault.chain();
  vault.close();
  const lines = exportRecords(home, report, range);
  const batch = Buffer.alloc(BATCH_BYTES);
  let filled = 0;
  const put = (line: Uint8Array) => {
    if (filled + line.length + 1 > BATCH_BYTES) flush();
    batch.set(line, filled);
    filled += line.length;
    batch[filled++] = NEWLINE;
  };
  const flush = () => {
    print(batch.subarray(0, filled));
    filled = 0;
  };
  let next = lines.next();
  for (; next.done !== true; next = lines.next()) put(next.value);
  const asked = Object.entries(range).map(([name, time]) => [name, new Date(time).toISOString()]);
  put(Buffer.from(JSON.stringify({ export: { chain, ...Object.fromEntries(asked), ...next.value } })));
  flush();
  return report.problem === undefined ? {} : { problem: logBroken(report.problem) };
}

function rangeOf(input: CommandInput, now: number): { since?: number; until?: number } {
  const since = textOption(input, 'since');
  const until = textOption(input, 'until');
  return {
    ...(since === undefined ? {} : { since: parseTime(since, now) }),
    ...(until === undefined ? {} : { until: parseTime(until, now) }),
  };
}
