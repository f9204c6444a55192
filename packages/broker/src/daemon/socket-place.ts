import { chmodSync, linkSync, renameSync, statSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { HaspError } from '@hasp/core';
import { shortSocketPath } from '@hasp/process-tree';
import { discard } from '../run-file.ts';

const BACKLOG = 4_096;
const ATTEMPTS = 20;

/** A socket at its place; `leave` takes it away if it is still ours. */
export interface SocketPlace {
  isOurs(): boolean;
  leave(): void;
}

/**
 * Listens at `place`, or says that another does. The socket is made aside, listening and private, and then
 * linked to its place, which is one step that fails where something is. What stands there without a
 * listener was left by a broker that was killed.
 * @throws HaspError E_EXISTS, E_STORAGE
 */
export async function listenAt(place: string, server: Server): Promise<SocketPlace> {
  const aside = `${place}.${process.pid}`;
  discard(aside);
  await listen(server, aside);
  try {
    chmodSync(aside, 0o600);
    const { ino } = statSync(aside);
    await linkTo(place, aside);
    const isOurs = (): boolean => inodeOf(place) === ino;
    return {
      isOurs,
      leave: () => {
        if (isOurs()) discard(place);
      },
    };
  } catch (error) {
    server.close();
    if (error instanceof HaspError) throw error;
    throw unusable(place, error);
  } finally {
    discard(aside);
  }
}

async function listen(server: Server, path: string): Promise<void> {
  const short = shortSocketPath(path);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ path: short.path ?? path, backlog: BACKLOG }, () => {
        server.removeListener('error', reject);
        resolve();
      });
    });
  } catch (error) {
    throw unusable(path, error);
  } finally {
    short.close();
  }
}

async function linkTo(place: string, aside: string): Promise<void> {
  const taken = `${place}.stale.${process.pid}`;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    try {
      linkSync(aside, place);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    if (await isAnswered(place)) throw running();
    try {
      renameSync(place, taken);
    } catch {
      continue;
    }
    // Another may have put its own there between the two.
    const isLive = await isAnswered(taken);
    if (isLive) putBack(taken, place);
    discard(taken);
    if (isLive) throw running();
  }
  throw running();
}

function putBack(taken: string, place: string): void {
  try {
    linkSync(taken, place);
  } catch {
    // A third one is there.
  }
}

/** Whether somebody listens; also who is too busy to accept. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const short = shortSocketPath(path);
    const socket = connect(short.path ?? path);
    const done = (isLive: boolean): void => {
      short.close();
      socket.destroy();
      resolve(isLive);
    };
    socket.on('connect', () => done(true));
    socket.on('error', ({ code }: NodeJS.ErrnoException) => done(code !== 'ECONNREFUSED' && code !== 'ENOENT'));
  });
}

function inodeOf(place: string): number | undefined {
  try {
    return statSync(place).ino;
  } catch {
    return undefined;
  }
}

function running(): HaspError {
  return new HaspError('E_EXISTS', 'a broker runs already', 'see hasp broker status; end it: hasp broker stop');
}

function unusable(place: string, error: unknown): HaspError {
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
  return new HaspError('E_STORAGE', `no socket could be made at ${place} (${code})`, 'choose another HASP_HOME');
}
