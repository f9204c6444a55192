import { type ListedProcess, listTrees } from '@hasp/process-tree';
import type { RunState } from './run-file.ts';

/** Live grants as JSON shows them, each with its process tree. */
export async function grantDocuments(runs: readonly RunState[]): Promise<object[]> {
  const trees = await treesOf(runs);
  return runs.flatMap((run, at) => run.grants.map((grant) => grantDocument(run, grant, trees[at] ?? [])));
}

/** In their order. What is fetched from the broker is held by the process that asked, if it is known. */
export async function treesOf(runs: readonly RunState[]): Promise<(readonly ListedProcess[])[]> {
  const tops = runs.map(({ isFetched, root, wrapper }) => (isFetched === true ? root?.pid : wrapper.pid));
  const known = [...new Set(tops.filter((pid) => pid !== undefined))];
  const trees = await listTrees(known);
  return tops.map((pid) => (pid === undefined ? [] : (trees[known.indexOf(pid)] ?? [])));
}

export function grantDocument(run: RunState, grant: RunState['grants'][number], tree: readonly ListedProcess[]) {
  const { session, agent, project, target, reason } = run;
  return {
    ...grant,
    state: 'issued',
    issuedAt: new Date(run.startedAt).toISOString(),
    expiresAt: new Date(run.expiresAt).toISOString(),
    ...(session === undefined ? {} : { session }),
    ...(agent === undefined ? {} : { agent }),
    ...(project === undefined ? {} : { project }),
    ...(target === undefined ? {} : { target }),
    ...(reason === undefined ? {} : { reason }),
    command: run.command,
    ...(run.root === undefined ? {} : { root: { pid: run.root.pid, startTime: run.root.startTime } }),
    tree: tree.map(({ pid, ppid, command }) => ({ pid, ppid, command })),
  };
}
