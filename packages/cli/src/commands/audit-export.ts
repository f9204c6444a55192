import { exportRecords, parseTime } from '@hasp/audit';
import { type Answer, type CommandInput, textOption } from '../command.ts';
import type { Context } from '../context.ts';
import { checkHome } from '../home-guard.ts';
import { print } from '../output.ts';
import { readPassphrase, unlock } from '../unlock.ts';
import { logBroken, verifyWholeInTwo } from '../verified-log.ts';

/** Written at once: a reader is served, and memory stays flat. */
const BATCH_BYTES = 65_536;

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
  let batch: Buffer[] = [];
  let bytes = 0;
  const flush = () => {
    print(Buffer.concat(batch).toString('utf8'));
    batch = [];
    bytes = 0;
  };
  for (;;) {
    const { done, value } = lines.next();
    if (done === true) {
      const asked = Object.entries(range).map(([name, time]) => [name, new Date(time).toISOString()]);
      batch.push(Buffer.from(`${JSON.stringify({ export: { chain, ...Object.fromEntries(asked), ...value } })}\n`));
      flush();
      return report.problem === undefined ? {} : { problem: logBroken(report.problem) };
    }
    batch.push(value);
    bytes += value.length;
    if (bytes >= BATCH_BYTES) flush();
  }
}

function rangeOf(input: CommandInput, now: number): { since?: number; until?: number } {
  const since = textOption(input, 'since');
  const until = textOption(input, 'until');
  return {
    ...(since === undefined ? {} : { since: parseTime(since, now) }),
    ...(until === undefined ? {} : { until: parseTime(until, now) }),
  };
}
