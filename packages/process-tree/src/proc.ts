import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Fields of /proc/PID/stat, proc_pid_stat(5). */
export interface ProcessStat {
  readonly pid: number;
  /** At most 15 bytes, chosen by the process: may hold spaces, parentheses, control characters. */
  readonly name: string;
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  readonly terminal: number;
  readonly foregroundGroup: number;
  readonly startTime: string;
}

/** `pid` may be "self". Undefined where there is no such process. */
export function readStat(pid: number | 'self'): ProcessStat | undefined {
  const text = readText(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  // The name is the process's own choice, `a) R 1 1 1 0` included: the fields begin after the last ")".
  const close = text.lastIndexOf(')');
  const fields = text.slice(close + 2).split(' ');
  return {
    pid: Number.parseInt(text, 10),
    name: text.slice(text.indexOf('(') + 1, close),
    state: fields[0] ?? '?',
    parent: Number(fields[1]),
    group: Number(fields[2]),
    session: Number(fields[3]),
    terminal: Number(fields[4]),
    foregroundGroup: Number(fields[5]),
    startTime: fields[19] ?? '0',
  };
}

/** A zombie is alive while other threads of it run: its leader thread left, the process did not. */
export function isDead(stat: ProcessStat): boolean {
  if (stat.state === 'X') return true;
  return stat.state === 'Z' && listFolder(`/proc/${stat.pid}/task`).length <= 1;
}

/** Live and dead children of every thread. */
export function childrenOf(pid: number | 'self'): number[] {
  const children: number[] = [];
  for (const thread of listFolder(`/proc/${pid}/task`)) {
    const text = readText(`/proc/${pid}/task/${thread}/children`);
    if (text) for (const child of text.trim().split(' ')) if (child) children.push(Number(child));
  }
  return children;
}

/**
 * Every live process below `pid`, parents before children. What `skip` says yes to is left out with
 * all that is below it.
 */
export function descendantsOf(pid: number | 'self', skip: (stat: ProcessStat) => boolean = () => false): ProcessStat[] {
  const below = hasChildrenFiles() ? childrenOf : childrenByScan();
  const found: ProcessStat[] = [];
  const seen = new Set<number>();
  const queue = below(pid);
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    if (seen.has(next)) continue;
    seen.add(next);
    const stat = readStat(next);
    if (!stat || skip(stat)) continue;
    if (!isDead(stat)) found.push(stat);
    queue.push(...below(next));
  }
  return found;
}

/** For kernels without CONFIG_PROC_CHILDREN: one look at every process. */
function childrenByScan(): (pid: number | 'self') => number[] {
  const byParent = new Map<number, number[]>();
  for (const pid of listProcesses()) {
    const parent = readStat(pid)?.parent;
    if (parent !== undefined) byParent.set(parent, [...(byParent.get(parent) ?? []), pid]);
  }
  return (pid) => [...(byParent.get(pid === 'self' ? process.pid : pid) ?? [])];
}

export function listProcesses(): number[] {
  return listFolder('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .map(Number);
}

/** The process's own name, safe to print: at most 64 characters, control characters replaced. */
export function printableName(name: string): string {
  return [...name.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?')].slice(0, 64).join('');
}

/** Whether there is a /proc that knows this process. */
export function hasProc(): boolean {
  return existsSync('/proc/self/stat');
}

function hasChildrenFiles(): boolean {
  return readText('/proc/thread-self/children') !== undefined;
}

export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

export function listFolder(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
