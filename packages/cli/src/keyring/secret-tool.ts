import { existsSync } from 'node:fs';
import path from 'node:path';
import { resolveCommand } from '@hasp/process-tree';
import { say } from '../output.ts';
import { type Failure, type Found, type Keyring, type Patience, SERVICE, type Unreachable } from './keyring.ts';
import { lookMs, STORE_MS } from './limits.ts';
import type { RunTool, ToolEnd } from './tool.ts';

const TOOL = 'secret-tool';
const INSTALL = 'install it: libsecret-tools (Debian, Ubuntu), libsecret (Fedora, Arch)';
const LOG_IN = 'use a login whose keyring runs, as of a desktop';
const FOUND = Buffer.from('\nsecret = ');

/**
 * The Secret Service of freedesktop.org (GNOME Keyring, KWallet, KeePassXC), through libsecret's own command. It is
 * given what it needs to find the session's bus, and nothing that would make it load code or start a bus of its own.
 */
export function secretService(given: ReadonlyMap<string, string>, run: RunTool): Keyring {
  const environment: Record<string, string> = { LC_ALL: 'C' };
  for (const name of ['DBUS_SESSION_BUS_ADDRESS', 'XDG_RUNTIME_DIR', 'HOME', 'PATH']) {
    const value = given.get(name);
    if (value !== undefined) environment[name] = value;
  }
  const ask = async (
    argv: readonly string[],
    limitMs: number | undefined,
    line?: Buffer,
  ): Promise<ToolEnd | Unreachable> => {
    const tool = toolIn(environment['PATH']);
    if (tool === undefined) return { state: 'unreachable', why: `${TOOL} is not installed`, hint: INSTALL };
    if (!hasBus(environment)) return unreachable('this login has no session bus');
    return run(tool, { argv, environment, limitMs, ...(line && { line }) });
  };

  const search = async (account: string): Promise<Found> => {
    // Never makes the service ask.
    const end = await ask(['search', ...attributes(account)], lookMs());
    if (!isEnd(end)) return end;
    const { stdout, complaint } = end;
    try {
      const text = secretIn(stdout);
      if (text !== undefined) return { state: 'found', text };
      if (end.status === undefined) return unreachable(cut(end));
      if (stdout.includes('label = ')) return { state: 'locked' };
      return complaint === '' ? { state: 'missing' } : unreachable(complaint);
    } finally {
      stdout.fill(0);
    }
  };

  return {
    async look(account, patience) {
      const found = await search(account);
      if (found.state !== 'locked' || patience === 'short') return found;
      say('the keyring is locked: it asks for its password in a window');
      const end = await ask(['lookup', ...attributes(account)], undefined);
      if (!isEnd(end)) return end;
      return end.status === 0 && end.stdout.length > 0 ? { state: 'found', text: end.stdout } : { state: 'locked' };
    },
    async store(account, label, text, patience) {
      const argv = ['store', `--label=${plain(label)}`, ...attributes(account)];
      return failureOf(await ask(argv, limitOf(patience), text));
    },
    async remove(account) {
      return failureOf(await ask(['clear', ...attributes(account)], STORE_MS));
    },
  };
}

const limitOf = (patience: Patience) => (patience === 'short' ? STORE_MS : undefined);
const attributes = (account: string) => ['service', SERVICE, 'account', account];
const cut = ({ isLate }: ToolEnd) => (isLate ? 'it does not answer' : 'it was interrupted');
const isEnd = (end: ToolEnd | Unreachable): end is ToolEnd => 'stdout' in end;
const unreachable = (why: string): Unreachable => ({ state: 'unreachable', why, hint: LOG_IN });

/** The tool takes nothing else in the C locale, and prints lines: one of a label's own must not pass for another. */
const plain = (label: string) => label.replaceAll(/[^ -~]/gu, '_');

function failureOf(end: ToolEnd | Unreachable): Failure {
  if (!isEnd(end)) return end;
  if (end.status === 0) return undefined;
  if (end.status === undefined) return unreachable(cut(end));
  return /locked/.test(end.complaint) ? { state: 'locked' } : unreachable(end.complaint || 'it was not done');
}

/** As an absolute path: a folder that PATH names relatively is whose we are in. */
function toolIn(searched: string | undefined): string | undefined {
  const folders = (searched ?? '/usr/bin:/bin').split(':').filter((folder) => path.isAbsolute(folder));
  const found = resolveCommand(TOOL, folders.join(':') || '/usr/bin', '/');
  return 'path' in found ? found.path : undefined;
}

/** As libdbus and GDBus look for it, but for starting one. */
function hasBus(environment: Readonly<Record<string, string>>): boolean {
  const runtime = environment['XDG_RUNTIME_DIR'];
  return Boolean(environment['DBUS_SESSION_BUS_ADDRESS']) || (runtime !== undefined && existsSync(`${runtime}/bus`));
}

/** A copy. */
function secretIn(stdout: Buffer): Buffer | undefined {
  const at = stdout.indexOf(FOUND);
  if (at < 0) return undefined;
  const start = at + FOUND.length;
  const end = stdout.indexOf('\n', start);
  return Buffer.from(stdout.subarray(start, end < 0 ? stdout.length : end));
}
