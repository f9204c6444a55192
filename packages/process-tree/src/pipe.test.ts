import { expect, it } from 'vitest';
import { loadLibc } from './libc.ts';
import { openPipe, openWidePipe, widen } from './pipe.ts';

const F_SETPIPE_SZ = 1031;
const F_GETPIPE_SZ = 1032;
const libc = loadLibc();

it.runIf(libc && process.platform === 'linux')('a pipe is widened, and one that is wider stays as wide', () => {
  if (!libc) return;
  const room = (fd: number) => libc.fcntl(fd, F_GETPIPE_SZ, 0);
  const ends = [...openWidePipe(libc), ...openPipe(libc)];
  const [wide = -1, , narrow = -1, narrowEnd = -1] = ends;
  try {
    expect(room(narrow)).toBeLessThan(room(wide));
    widen(libc, narrowEnd);
    expect(room(narrow)).toBe(room(wide));
    libc.fcntl(narrow, F_SETPIPE_SZ, 1_048_576);
    widen(libc, narrowEnd);
    expect(room(narrow)).toBe(1_048_576);
  } finally {
    for (const end of ends) libc.close(end);
  }
});
