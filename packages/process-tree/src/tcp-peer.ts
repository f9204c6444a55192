import { readlinkSync } from 'node:fs';
import { identityFrom } from './identity.ts';
import type { Peer } from './peer.ts';
import { isDead, listFolder, listProcesses, printableName, readStat, readText } from './proc.ts';

/** One end of a TCP connection, the address as Node writes it. */
export interface TcpEnd {
  readonly address: string;
  readonly port: number;
}

/** Who holds the other end of a connection of this machine with itself. */
export interface TcpPeer {
  /** Of the socket, from the kernel's table. */
  readonly uid: number;
  /** The processes that have it open, youngest first. None: they may not be looked into, by us or at all. */
  readonly holders: readonly Peer[];
}

/** Whether every process that has it open is looked for, or one will do. */
type Search = 'all' | 'one';

/**
 * Finds the other end in the kernel's table of sockets, and who has it open. A look at every process, so
 * once for a connection. Undefined where the table has no such end: it is on another machine, or gone.
 */
export function peerOfTcp(local: TcpEnd, remote: TcpEnd, search: Search = 'all'): TcpPeer | undefined {
  const ours = wordsOf(local.address);
  const theirs = wordsOf(remote.address);
  if (ours === undefined || theirs === undefined) return undefined;
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of (readText(table) ?? '').split('\n').slice(1)) {
      const { from, to, uid, inode } = readRow(line);
      // A socket that nobody has open any more has inode 0.
      if (inode === '0' || from?.port !== remote.port || to?.port !== local.port) continue;
      if (from.words === theirs && to.words === ours) return { uid, holders: holdersOf(inode, search) };
    }
  }
  return undefined;
}

/** proc_pid_net(5): `sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode`. */
function readRow(line: string) {
  const fields = line.trim().split(/\s+/);
  return { from: readEnd(fields[1]), to: readEnd(fields[2]), uid: Number(fields[7]), inode: fields[9] ?? '0' };
}

/** `0100007F:4BDD`: the address in 32-bit words as this machine orders their bytes, the port as a number. */
function readEnd(text = ''): { readonly words: string; readonly port: number } | undefined {
  const [address = '', port = ''] = text.split(':');
  if (address.length !== 8 && address.length !== 32) return undefined;
  const words = address.startsWith(V4_MAPPED) && address.length === 32 ? address.slice(24) : address;
  return { words, port: Number.parseInt(port, 16) };
}

const V4_MAPPED = wordText([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]);
const V6_LOOPBACK = wordText([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);

/** As the table has it; undefined for an IPv6 address that is not the loopback's. */
function wordsOf(address: string): string | undefined {
  if (address === '::1') return V6_LOOPBACK;
  const parts = /^(?:::ffff:)?(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/i.exec(address)?.slice(1);
  return parts && wordText(parts.map(Number));
}

function wordText(bytes: readonly number[]): string {
  const words = new Uint32Array(Uint8Array.from(bytes).buffer);
  return [...words].map((word) => word.toString(16).toUpperCase().padStart(8, '0')).join('');
}

function holdersOf(inode: string, search: Search): Peer[] {
  const wanted = `socket:[${inode}]`;
  const holders: Peer[] = [];
  for (const pid of listProcesses().sort((a, b) => b - a)) {
    const before = readStat(pid);
    if (!before || isDead(before)) continue;
    if (!listFolder(`/proc/${pid}/fd`).some((fd) => linkOf(`/proc/${pid}/fd/${fd}`) === wanted)) continue;
    // What was read of the pid was read of one process.
    if (readStat(pid)?.startTime !== before.startTime) continue;
    holders.push({ identity: identityFrom(before), command: printableName(before.name) });
    if (search === 'one') break;
  }
  return holders;
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
