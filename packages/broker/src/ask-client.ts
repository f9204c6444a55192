import { connect } from 'node:net';
import { HaspError } from '@hasp/core';
import { formatRequest, MAX_ANSWER_BYTES, NEWLINE, parseAnswer } from './ask-protocol.ts';

/** A wrapper that is stopped answers when it goes on; one that is stuck does not. */
const PATIENCE_MS = 30_000;

/** So many wait to be accepted that the kernel takes no more (connect(2), EAGAIN): try again this much later. */
const QUEUE_MS = 20;

/**
 * Asks the run whose socket this is. The caller wipes what it gets.
 * @throws HaspError E_NOT_IN_TREE where no run serves there, E_BROKER_UNREACHABLE where none answers,
 * and what the run refuses with
 */
export async function fetchThrough(socketPath: string, name: string): Promise<Buffer> {
  for (const end = performance.now() + PATIENCE_MS; ; ) {
    const answer = await exchange(socketPath, name);
    if (answer !== 'queue full') return answer;
    if (performance.now() > end) throw unreachable('EAGAIN');
    await new Promise((resolve) => setTimeout(resolve, QUEUE_MS));
  }
}

function exchange(socketPath: string, name: string): Promise<Buffer | 'queue full'> {
  return new Promise((resolve, reject) => {
    const received: Buffer[] = [];
    let length = 0;
    let failure: string | undefined;
    const socket = connect({ path: socketPath, allowHalfOpen: true });
    socket.setTimeout(PATIENCE_MS, () => socket.destroy());
    socket.on('connect', () => socket.write(formatRequest(name)));
    socket.on('data', (chunk: Buffer) => {
      received.push(chunk);
      length += chunk.length;
      if (chunk.includes(NEWLINE) || length > MAX_ANSWER_BYTES) socket.destroy();
    });
    socket.on('end', () => socket.destroy());
    socket.on('error', (error: NodeJS.ErrnoException) => {
      failure = error.code;
    });
    socket.on('close', () => {
      const answer = Buffer.concat(received);
      try {
        const end = answer.indexOf(NEWLINE);
        if (end >= 0) resolve(parseAnswer(answer.subarray(0, end)));
        else if (failure === 'EAGAIN') resolve('queue full');
        else reject(unreachable(failure ?? 'no answer'));
      } catch (error) {
        reject(error);
      } finally {
        for (const bytes of [answer, ...received]) bytes.fill(0);
      }
    });
  });
}

function unreachable(code: string): HaspError {
  if (code === 'ENOENT' || code === 'ECONNREFUSED') {
    return new HaspError(
      'E_NOT_IN_TREE',
      'nobody serves the run that HASP_SOCKET names',
      'its grants ended with it or with its broker, or were revoked',
    );
  }
  if (code === 'EACCES' || code === 'ENAMETOOLONG' || code === 'EINVAL') {
    return new HaspError('E_NOT_IN_TREE', `HASP_SOCKET can't be reached (${code})`, 'only the user of the run may ask');
  }
  return new HaspError('E_BROKER_UNREACHABLE', `the run gave no answer (${code})`, 'is it stopped? see hasp grants');
}
