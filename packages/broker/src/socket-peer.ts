import type { Socket } from 'node:net';
import { type ConnectedPeer, peerBehind } from '@hasp/process-tree';

/** Undefined once it is closed. Not in Node's documentation, and nothing that is gives the descriptor. */
export function descriptorOf(socket: Socket): number | undefined {
  return (socket as unknown as { _handle?: { fd?: number } })._handle?.fd;
}

/** The process that connected to our unix socket, from the kernel; undefined where there is no telling. */
export function peerOfSocket(socket: Socket): ConnectedPeer | undefined {
  const fd = descriptorOf(socket);
  return fd === undefined || fd < 0 ? undefined : peerBehind(fd);
}
