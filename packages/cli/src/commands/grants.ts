import { grantDocument, liveRuns, type RunState, treesOf } from '@hasp/broker';
import { describeDelivery, formatDuration } from '@hasp/core';
import type { Answer, CommandInput } from '../command.ts';
import type { Context } from '../context.ts';
import { endedGrants } from '../ended-grants.ts';
import { print, printable } from '../output.ts';
import { isVisible } from '../session-visible.ts';
import { LockedHome } from '../stores.ts';

const REDRAW_MS = 1_000;
const CLEAR = '\u001b[H\u001b[2J';

/** Live grants, each with its process tree; with `--all` the ended ones of the log too. */
export async function showGrants(input: CommandInput, context: Context): Promise<Answer> {
  await LockedHome.enter(context);
  if (input.options.watch === true) return watch(input, context);
  return drawn(input, context);
}

async function watch(input: CommandInput, context: Context): Promise<never> {
  for (;;) {
    const { json, text } = await drawn(input, context);
    print(input.json ? `${JSON.stringify(json)}\n` : `${CLEAR}${text || 'no live grant'}\n`);
    await new Promise((resolve) => setTimeout(resolve, REDRAW_MS));
  }
}

async function drawn(input: CommandInput, context: Context): Promise<Answer> {
  const seen = (session: unknown): boolean => isVisible(context.inside, session);
  const live = liveRuns(context.home).filter(({ session }) => seen(session));
  const trees = await treesOf(live);
  const runs = live.map((run, at) => ({ run, tree: trees[at] ?? [] }));
  const ended = input.options.all === true ? endedGrants(context.home).filter(({ session }) => seen(session)) : [];
  const documents = runs.flatMap(({ run, tree }) => run.grants.map((grant) => grantDocument(run, grant, tree)));
  return {
    json: { grants: [...ended, ...documents] },
    text: [
      ...ended.map(
        (grant) => `${grant.id}  ${grant.secret}  ${describeDelivery(grant)}  ${grant.endReason} at ${grant.endedAt}`,
      ),
      ...runs.flatMap(({ run, tree }) => runLines(run, tree, context.clock())),
    ]
      .map((line) => printable(line))
      .join('\n'),
    notes: documents.length === 0 && input.options.all !== true ? ['no live grant; see also --all'] : [],
  };
}

type Tree = Awaited<ReturnType<typeof treesOf>>[number];

function runLines(run: RunState, tree: Tree, now: number): string[] {
  const held = run.grants.map(describeDelivery).join(', ');
  const depths = new Map<number, number>([[run.wrapper.pid, 0]]);
  const processes = tree.map(({ pid, ppid, command, startedAt }) => {
    const depth = (depths.get(ppid) ?? 0) + 1;
    depths.set(pid, depth);
    const age =
      startedAt === undefined
        ? ''
        : `, ${formatDuration(Math.max(1_000, Math.floor((now - startedAt) / 1_000) * 1_000))}`;
    return `${'  '.repeat(depth)}${command} (${pid}${age}) holds ${held}`;
  });
  const grants = run.grants.map((grant) => `${grant.id}  ${grant.secret}@${grant.version}  ${describeDelivery(grant)}`);
  const left = formatDuration(Math.max(0, Math.floor((run.expiresAt - now) / 1_000) * 1_000));
  const what = run.isFetched === true ? `fetched by ${run.agent ?? 'an agent'}` : `[${run.command.join(' ')}]`;
  return [...grants, `  ${what}  ends in ${left} at the latest`, ...processes];
}
