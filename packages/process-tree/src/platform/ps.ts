import type { ProcessIdentity } from '@hasp/core';
import { printableName } from '../proc.ts';

interface Row {
  readonly pid: number;
  readonly group: number;
  /** Of its terminal; 0 or less where it has none. */
  readonly foregroundGroup: number;
  readonly isDead: boolean;
  /** Microseconds since 1970, in steps of a second. */
  readonly startTime: string;
  readonly name: string;
}

const COLUMNS = 'pid=,pgid=,tpgid=,stat=,lstart=,ucomm=';
/** `7 7 7 Ss Sun Nov 22 00:22:55 2026 bash`: lstart is five words in the C locale. */
const ROW = /^\s*(\d+)\s+(\d+)\s+(-?\d+)\s+(\S+)\s+(\S+ +\S+ +\d+ +[\d:]+ +\d+)\s+(.*)$/;
const LIMIT_BYTES = 16 * 1024 * 1024;

/** By ps(1), where there is no /proc. As `identityOf` of identity.ts, but of a zombie, too. */
export function identifyByPs(pid: number): ProcessIdentity | undefined {
  return identitiesOf(rowsOf([pid]))[0];
}

/** Safe to print; "?" if it is gone. */
export function nameByPs(pid: number): string {
  return printableName(rowsOf([pid])[0]?.name ?? '?');
}

/** As `isAlive` of identity.ts. */
export function isAliveByPs(identity: ProcessIdentity): boolean | 'elsewhere' {
  if (identity.bootId !== bootId()) return false;
  if (identity.pidNamespace !== 'host') return 'elsewhere';
  return livingOf([identity]).length === 1;
}

/** @param lines what ps prints for `COLUMNS`, with LC_ALL=C and TZ=UTC0 */
export function parseRows(lines: string): Row[] {
  return lines.split('\n').flatMap((line) => {
    const [whole, pid, group, foreground, state = '', started, name = ''] = ROW.exec(line) ?? [];
    const milliseconds = Date.parse(`${started} UTC`);
    if (whole === undefined || Number.isNaN(milliseconds)) return [];
    return [
      {
        pid: Number(pid),
        group: Number(group),
        foregroundGroup: Number(foreground),
        isDead: state.startsWith('Z'),
        startTime: `${milliseconds}000`,
        name: name.trim(),
      },
    ];
  });
}

export function livingOf(known: readonly ProcessIdentity[]): ProcessIdentity[] {
  const now = new Map(rowsOf(known.map(({ pid }) => pid)).map((row) => [row.pid, row]));
  return known.filter(({ pid, startTime }) => {
    const row = now.get(pid);
    return row !== undefined && !row.isDead && row.startTime === startTime;
  });
}

export function identitiesOf(rows: readonly Row[]): ProcessIdentity[] {
  return rows.map(({ pid, startTime }) => ({ pid, startTime, bootId: bootId(), pidNamespace: 'host' }));
}

/** @throws Error where ps gives no answer: nobody may be taken for dead because of that */
export function rowsOf(pids: readonly number[]): Row[] {
  if (pids.length === 0) return [];
  // ps ends with 1 for a pid that is gone and for a fault alike; so it is asked for one that is there.
  const rows = parseRows(outputOf('/bin/ps', ['-o', COLUMNS, '-p', [process.pid, ...pids].join(',')]));
  if (!rows.some(({ pid }) => pid === process.pid)) throw new Error('ps does not show this process');
  return rows.filter(({ pid }) => pids.includes(pid));
}

let boot: string | undefined;

/** Of macOS: a UUID for each boot (`sysctl kern.bootsessionuuid`). It can't change, so it is asked for once. */
function bootId(): string {
  boot ??= outputOf('/usr/sbin/sysctl', ['-n', 'kern.bootsessionuuid']).trim() || 'unknown';
  return boot;
}

/** Empty where there is no answer. Loaded when asked for: with /proc nobody needs it. */
function outputOf(program: string, argv: readonly string[]): string {
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  const done = spawnSync(program, argv, {
    env: { LC_ALL: 'C', TZ: 'UTC0' },
    stdio: ['ignore', 'pipe', 'ignore'],
    encoding: 'utf8',
    maxBuffer: LIMIT_BYTES,
  });
  return done.stdout ?? '';
}
