import { loadavg } from 'node:os';
import { type EscapeKind, possibleKinds } from '../support/escape-kinds.ts';
import { EscapeArena, mayBeOther } from '../support/escapes.ts';
import { loseWrapper, plainCommand } from '../support/lost-wrappers.ts';
import type { Report, Row } from '../support/measure.ts';

/** Of each kind with each policy. */
const ROUNDS = 20;
const AT_A_TIME = 2;
/** Wrappers that are killed with -9, one after the other. */
const KILLS = 200;

interface Tally {
  readonly runs: number;
  readonly lost: readonly string[];
  readonly latencies: readonly number[];
}

/** The escape suite, many times: what was lost, and how soon after the last exit the end was recorded. */
export async function bench({ root }: { root: string }): Promise<Report> {
  const isRoot = process.getuid?.() === 0;
  const rows: Row[] = [];
  for (const asOther of [false, ...(mayBeOther(root) ? [true] : [])]) {
    const arena = new EscapeArena(root, asOther);
    const who = asOther ? 'uid 65534' : isRoot ? 'root' : 'user';
    const tallies: Tally[] = [];
    try {
      for (const kind of possibleKinds(asOther)) {
        const tally = await tried(arena, kind);
        tallies.push(tally);
        rows.push(rowOf(`${who}: ${kind.what}`, tally));
        for (const fault of tally.lost) rows.push({ what: '', result: fault });
      }
      rows.push(rowOf(`${who}: all`, together(tallies)));
      if (!asOther) rows.push(await killed(arena));
      rows.push({ what: `${who}: the chain verifies`, result: arena.verifies() ? 'yes' : 'NO' });
    } finally {
      arena.close();
    }
  }
  const load = loadavg()[0]?.toFixed(1);
  const title = `${ROUNDS} runs of each kind and policy, ${AT_A_TIME} at a time; from the last exit to the recorded end; load ${load} at the end, Node ${process.version}`;
  return { title, rows };
}

async function tried(arena: EscapeArena, kind: EscapeKind): Promise<Tally> {
  const left = Array.from({ length: ROUNDS }, () => kind.policies ?? (['kill', 'wait'] as const)).flat();
  const runs = left.length;
  const lost: string[] = [];
  const latencies: number[] = [];
  const worker = async (): Promise<void> => {
    for (let policy = left.pop(); policy !== undefined; policy = left.pop()) {
      const attempt = await arena.attempt(kind, policy);
      if (attempt.lost !== undefined) lost.push(attempt.lost);
      if (attempt.latencyMs !== undefined) latencies.push(attempt.latencyMs);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
  return { runs, lost, latencies };
}

async function killed(arena: EscapeArena): Promise<Row> {
  const plain = middleOf(Array.from({ length: 11 }, () => plainCommand(arena)));
  const losses = [];
  for (let count = 0; count < KILLS; count += 1) losses.push(await loseWrapper(arena, 4 * plain));
  const faults = losses.flatMap(({ fault }) => (fault === undefined ? [] : [fault]));
  const next = losses.map(({ nextMs }) => nextMs);
  const took = `next command median ${middleOf(next).toFixed(0)} ms, worst ${Math.max(...next).toFixed(0)} ms, otherwise ${plain.toFixed(0)} ms`;
  const result = [`${KILLS} kills, ${faults.length} faults`, took, ...faults].join(', ');
  return { what: 'wrapper killed at a random moment', result, ratio: faults.length, limit: 0 };
}

function middleOf(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;
}

function together(tallies: readonly Tally[]): Tally {
  return {
    runs: tallies.reduce((sum, { runs }) => sum + runs, 0),
    lost: tallies.flatMap(({ lost }) => lost),
    latencies: tallies.flatMap(({ latencies }) => latencies),
  };
}

function rowOf(what: string, { runs, lost, latencies }: Tally): Row {
  const sorted = [...latencies].sort((a, b) => a - b);
  const ms = (value: number | undefined): string => (value === undefined ? '–' : `${value.toFixed(1)} ms`);
  const result = `${runs} runs, ${lost.length} lost, median ${ms(sorted[sorted.length >> 1])}, worst ${ms(sorted.at(-1))}`;
  return { what, result, ratio: lost.length, limit: 0 };
}
