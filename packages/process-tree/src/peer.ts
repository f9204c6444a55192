import type { ProcessIdentity, Scope } from '@hasp/core';
import { isYounger, lineAbove } from './ancestry.ts';
import { identityFrom } from './identity.ts';
import { type Libc, loadLibc } from './libc.ts';
import { isDead, printableName, readStat } from './proc.ts';

/** asm-generic/socket.h; the same on x64, arm64, riscv64 and loong64. */
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const SO_PEERPIDFD = 77;
const EINTR = 4;
const ENOPROTOOPT = 92;
const POLLIN = 1;
/** struct ucred: pid, uid, gid; 32 bits each. */
const UCRED_BYTES = 12;

/** The process that connected to a unix socket, as the kernel knows it. */
export interface Peer {
  readonly identity: ProcessIdentity;
  /** Its own name, safe to print; at most 64 characters. */
  readonly command: string;
}

/** With the user that it ran as when it connected. */
export type ConnectedPeer = Peer & { readonly uid: number };

/** Whom a socket serves. */
export interface PeerBounds {
  readonly wrapper: ProcessIdentity;
  /** The run's command. */
  readonly root: ProcessIdentity;
  readonly scope: Scope;
}

/** What the kernel says of a peer: it belongs, it does not, or there is no telling. */
export type PeerVerdict =
  | { readonly kind: 'member'; readonly peer: Peer }
  | { readonly kind: 'outsider' }
  | { readonly kind: 'unknown' };

/**
 * Whether peers can be told at all: koffi is there, and /proc is that of our own pid namespace. In
 * another's (unshare(1) --pid without --mount-proc) the pids that the kernel names are other processes.
 */
export function canJudgePeers(): boolean {
  return loadLibc() !== undefined && readStat('self')?.pid === process.pid;
}

/**
 * Who connected, and whether that process belongs to the tree, at this moment. Nothing that the peer
 * sends plays a part, and passing the descriptor on changes nothing: the kernel names the process
 * that called connect(2) (SO_PEERCRED, unix(7)). Its pid may be another's by now; a pidfd of it
 * (SO_PEERPIDFD, Linux 6.5) tells, since as long as it is not readable the pid was not given away.
 * @param fd an accepted unix socket
 */
export function judgePeer(fd: number, bounds: PeerBounds): PeerVerdict {
  const libc = loadLibc();
  if (!libc) return { kind: 'unknown' };
  const handle = peerHandle(libc, fd);
  if (handle === 'gone') return { kind: 'unknown' };
  try {
    const peer = peerOf(libc, fd);
    const belongs = peer === undefined ? undefined : belongsTo(peer.identity, bounds);
    if (peer === undefined || belongs === undefined) return { kind: 'unknown' };
    // Only now: what was read of the pid was read of the peer if the peer is still there.
    if (handle !== undefined && hasEnded(libc, handle)) return { kind: 'unknown' };
    return belongs ? { kind: 'member', peer } : { kind: 'outsider' };
  } finally {
    if (handle !== undefined) libc.close(handle);
  }
}

/** Who connected, if that process still lives; undefined where there is no telling. @param fd an accepted unix socket */
export function peerBehind(fd: number): ConnectedPeer | undefined {
  const libc = loadLibc();
  const handle = libc && peerHandle(libc, fd);
  if (!libc || handle === 'gone') return undefined;
  try {
    const peer = peerOf(libc, fd);
    return handle !== undefined && hasEnded(libc, handle) ? undefined : peer;
  } finally {
    if (handle !== undefined) libc.close(handle);
  }
}

/** A pidfd of the process that connected; undefined where the kernel has none to give. */
function peerHandle(libc: Libc, fd: number): number | 'gone' | undefined {
  const value = Buffer.alloc(4);
  const length = Buffer.from(Int32Array.of(value.length).buffer);
  if (libc.getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, value, length) === 0) return value.readInt32LE();
  return libc.errno() === ENOPROTOOPT ? undefined : 'gone';
}

/**
 * pidfd_open(2): readable once every thread of the process has ended, reaped or not. A signal may
 * interrupt poll(2) even though it waits for nothing, and children that end send many.
 */
function hasEnded(libc: Libc, handle: number): boolean {
  const asked = Buffer.alloc(8);
  asked.writeInt32LE(handle, 0);
  asked.writeInt16LE(POLLIN, 4);
  let ready: number;
  do ready = libc.pollNow(asked, 1, 0);
  while (ready < 0 && libc.errno() === EINTR);
  return ready !== 0;
}

/** Undefined for a process of a pid namespace that is not below ours (its pid is 0 here), or one that is gone. */
function peerOf(libc: Libc, fd: number): ConnectedPeer | undefined {
  const credentials = Buffer.alloc(UCRED_BYTES);
  const length = Buffer.from(Int32Array.of(credentials.length).buffer);
  if (libc.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, credentials, length) !== 0) return undefined;
  const pid = credentials.readInt32LE(0);
  const stat = pid > 0 ? readStat(pid) : undefined;
  if (!stat || isDead(stat)) return undefined;
  return { identity: identityFrom(stat), uid: credentials.readUInt32LE(4), command: printableName(stat.name) };
}

/**
 * Whether a live process is a descendant of the wrapper through the run's command, or (scope `root`)
 * the command itself. The wrapper is no member. Undefined where its descent can't be read.
 */
export function belongsTo(peer: ProcessIdentity, bounds: PeerBounds): boolean | undefined {
  const { wrapper, root, scope } = bounds;
  if (peer.bootId !== wrapper.bootId || peer.pidNamespace !== wrapper.pidNamespace) return undefined;
  if (peer.pid === wrapper.pid) return false;
  if (scope === 'root') return peer.pid === root.pid && peer.startTime === root.startTime;
  // Older than the command, so not begun by it: what a shell that became the wrapper had in the
  // background, and everything above.
  const top = lineAbove(peer, (stat) => stat.pid === wrapper.pid || isYounger(root, stat))?.at(-1);
  return top && top.pid === wrapper.pid && top.startTime === wrapper.startTime;
}
