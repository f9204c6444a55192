import type { ProcessIdentity } from '@hasp/core';
import { openKoffi } from '../libc.ts';
import type { ProcessTable } from './process-table.ts';
import { psTable } from './ps-table.ts';

/** Numbers that a boot gives to no second process: a process's own, and that of who forked it. */
export interface UniqueIds {
  readonly own: bigint;
  readonly parent: bigint;
}

/** The part of macOS's libproc that is used. */
export interface Libproc {
  pids(): number[];
  /** Undefined for who is gone, a zombie included. */
  idsOf(pid: number): UniqueIds | undefined;
}

const PROC_PIDUNIQIDENTIFIERINFO = 17;
/** struct proc_uniqidentifierinfo (bsd/sys/proc_info.h): a UUID of 16 bytes, then the two numbers; 56 bytes in all. */
const INFO_BYTES = 56;
const OWN_AT = 16;
const PARENT_AT = 24;
/** `kern.maxproc` is a tenth of it. */
const MOST_PIDS = 65_536;

/**
 * macOS with koffi: `proc_pidinfo` each 50 ms. A process keeps the number of who forked it when that one
 * has died, so an orphan is known by it, unless the one between began and ended between two looks.
 * Written from XNU's sources; never run. Undefined where koffi is missing.
 */
export function darwinTable(): ProcessTable | undefined {
  const libproc = openLibproc();
  if (libproc === undefined) return undefined;
  return {
    ...psTable,
    lookEveryMs: 50,
    watch: (known) => watchUnique(libproc, known, psTable.identify),
  };
}

/** A look by these numbers; `identify` is asked once for each process that is found. */
export function watchUnique(
  libproc: Libproc,
  known: readonly ProcessIdentity[],
  identify: ProcessTable['identify'],
): () => Promise<readonly ProcessIdentity[]> {
  const ever = new Set<bigint>();
  let live = new Map<bigint, ProcessIdentity>();
  for (const identity of known) {
    const ids = libproc.idsOf(identity.pid);
    if (ids) live.set(ids.own, identity);
  }
  return async () => {
    for (const own of live.keys()) ever.add(own);
    const now = new Map<bigint, ProcessIdentity>();
    let rest = libproc.pids().flatMap((pid) => {
      const ids = pid === process.pid ? undefined : libproc.idsOf(pid);
      return ids ? [{ pid, ...ids }] : [];
    });
    // Parents may stand behind their children: again, until nobody is added.
    for (let before = -1; rest.length !== before; ) {
      before = rest.length;
      rest = rest.filter(({ pid, own, parent }) => {
        if (!ever.has(own) && !ever.has(parent)) return true;
        ever.add(own);
        const identity = live.get(own) ?? identify(pid);
        if (identity) now.set(own, identity);
        return false;
      });
    }
    live = now;
    return [...now.values()];
  };
}

function openLibproc(): Libproc | undefined {
  const library = openKoffi()?.load('/usr/lib/libSystem.B.dylib');
  if (library === undefined) return undefined;
  const list = library.func('proc_listallpids', 'int', ['void *', 'int']) as (
    pids: Int32Array,
    bytes: number,
  ) => number;
  const info = library.func('proc_pidinfo', 'int', ['int', 'int', 'uint64_t', 'void *', 'int']) as (
    pid: number,
    flavour: number,
    argument: number,
    buffer: Uint8Array,
    bytes: number,
  ) => number;
  const buffer = Buffer.alloc(INFO_BYTES);
  const pids = new Int32Array(MOST_PIDS);
  return {
    pids: () => [...pids.subarray(0, Math.max(0, list(pids, pids.byteLength)))],
    idsOf: (pid) =>
      info(pid, PROC_PIDUNIQIDENTIFIERINFO, 0, buffer, INFO_BYTES) === INFO_BYTES
        ? { own: buffer.readBigUInt64LE(OWN_AT), parent: buffer.readBigUInt64LE(PARENT_AT) }
        : undefined,
  };
}
