import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { signalName } from './exit-status.ts';
import { listFolder } from './proc.ts';

/** What the user gave hasp, as it was before the launcher and Node changed it. */
export interface Inherited {
  /** For the child. */
  readonly environment: ReadonlyMap<string, string>;
  /** Ignored at the start, for example SIGHUP under nohup: names as in signal(7). */
  readonly ignoredSignals: readonly string[];
  /** Blocked at the start, likewise. */
  readonly blockedSignals: readonly string[];
  readonly softNofile: number | undefined;
  /** Open and not close-on-exec at the start, 3 and up. */
  readonly descriptors: readonly number[];
  /** All that were open at the start; undefined where nobody told. */
  readonly openAtStart: readonly number[] | undefined;
  /** Of 0, 1 and 2, those that were closed at the start (Node opens /dev/null there). */
  readonly closedStdio: readonly number[];
  /** Variables that were kept from hasp's own process because they change what Node loads or prints. */
  readonly neutralised: readonly string[];
  /** Some variable or argument is not valid UTF-8: Node would change it silently. */
  readonly invalidUtf8: boolean;
}

/** Variables of the launcher's own: facts, then `__HASP_ENV_0`, `__HASP_ENV_1` … each holding NAME=value. */
const LAUNCHER_FACT = /^__HASP_(?:LAUNCHER|IGNORED|BLOCKED|NOFILE|FDS|NEUTRALISED|LC_ALL|ENV_[0-9]+)$/;

/** Bash sets these for its children whether or not it got them; the launcher saves what it got. */
const SET_BY_LAUNCHER = ['PWD', 'OLDPWD', 'SHLVL', '_'];

/**
 * Must be called before `hardenSelf`, after which an ordinary user can't read /proc/self/environ.
 * Started without the launcher (its mark holds this process id), the environment is what Node sees.
 */
export function readInherited(env: NodeJS.ProcessEnv): Inherited {
  // A version manager's stand-in for `node` may start the real one as its child.
  const launched = [process.pid, process.ppid].map(String).includes(env['__HASP_LAUNCHER'] ?? '');
  const invalidUtf8 =
    !isUtf8File('/proc/self/cmdline') || holdsInvalidUtf8([...Reflect.ownKeys(env), ...Object.values(env)].map(String));
  const environment = new Map<string, string>();
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || LAUNCHER_FACT.test(name) || (launched && SET_BY_LAUNCHER.includes(name))) continue;
    environment.set(name, value);
  }
  if (!launched) {
    return {
      environment,
      ignoredSignals: [],
      blockedSignals: [],
      softNofile: undefined,
      descriptors: [],
      openAtStart: undefined,
      closedStdio: [],
      neutralised: [],
      invalidUtf8,
    };
  }
  for (let index = 0; ; index++) {
    const entry = env[`__HASP_ENV_${index}`];
    if (entry === undefined) break;
    const equals = entry.indexOf('=');
    environment.set(entry.slice(0, equals), entry.slice(equals + 1));
  }
  const nofile = Number(env['__HASP_NOFILE']);
  const told = env['__HASP_FDS'];
  const inheritedFds = words(told).map(Number);
  const open = new Set(listFolder('/proc/self/fd').map(Number));
  return {
    environment,
    ignoredSignals: signalsIn(env['__HASP_IGNORED']),
    blockedSignals: signalsIn(env['__HASP_BLOCKED']),
    softNofile: Number.isInteger(nofile) && nofile > 0 ? nofile : undefined,
    // The launcher's own descriptors close themselves at exec, and Node takes the lowest free numbers.
    descriptors: inheritedFds.filter((fd) => fd > 2 && open.has(fd)),
    openAtStart: told === undefined ? undefined : inheritedFds,
    closedStdio: told === undefined ? [] : [0, 1, 2].filter((fd) => !inheritedFds.includes(fd)),
    neutralised: words(env['__HASP_NEUTRALISED']),
    invalidUtf8,
  };
}

/** Names of the signals in a mask as /proc/PID/status shows it: hexadecimal, bit 0 is signal 1. */
function signalsIn(mask: string | undefined): string[] {
  const bits = mask && /^[0-9a-f]+$/.test(mask) ? BigInt(`0x${mask}`) : 0n;
  const names: string[] = [];
  for (let signal = 1; signal <= 64; signal++) if ((bits >> BigInt(signal - 1)) & 1n) names.push(signalName(signal));
  return names;
}

function words(text: string | undefined): string[] {
  return text ? text.split(' ').filter((word) => word !== '') : [];
}

/** Where Node has put U+FFFD, it either was there or took the place of bytes that are not UTF-8. */
function holdsInvalidUtf8(texts: Iterable<string>): boolean {
  for (const text of texts) {
    if (text.includes('\uFFFD')) return !isUtf8File('/proc/self/environ');
  }
  return false;
}

function isUtf8File(path: string): boolean {
  try {
    return isUtf8(readFileSync(path));
  } catch {
    return true;
  }
}
