import { constants, fstatSync, openSync } from 'node:fs';
import { type Libc, loadLibc } from './libc.ts';
import { type ByteTransform, CHUNK_BYTES, Relay, type RelayEnd } from './relay.ts';
import { Sink } from './sink.ts';
import { FileSource, PolledSource, PooledSource, type Source } from './source.ts';

/** Hands standard input through a transform to standard output, to its end. */
export function filterInput(transform: ByteTransform, warn: (line: string) => void): Promise<RelayEnd> {
  const libc = loadLibc();
  return new Relay(openInput(libc), new Sink(libc, 1), () => transform, warn).end;
}

/** The descriptor is shared with others, so its flags are left as they are. */
function openInput(libc: Libc | undefined): Source {
  const pooled = () => new PooledSource(0, CHUNK_BYTES);
  if (!libc) return pooled();
  try {
    const status = fstatSync(0);
    if (status.isFile()) return new FileSource(libc, 0);
    if (!status.isFIFO()) return pooled();
    return new PolledSource(libc, openSync('/proc/self/fd/0', constants.O_RDONLY | constants.O_NONBLOCK));
  } catch {
    return pooled();
  }
}
