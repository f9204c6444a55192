/**
 * Follows a long value through the input past the beginning that the automaton knows, and says at
 * each byte how much of it has just been seen. Knuth, Morris and Pratt's table (SIAM J. Comput.
 * 6(2), 1977) keeps it linear for values that repeat themselves.
 */
export interface Continuation {
  /** How many of the value's first bytes end at the last byte seen; 0 when it is not being followed. */
  seen: number;
  readonly value: Uint8Array;
  /** borders[n] is the length of the longest proper end of value[0, n) that is also a beginning of it. */
  readonly borders: Int32Array;
}

export function makeContinuation(value: Uint8Array): Continuation {
  const borders = new Int32Array(value.length + 1);
  let border = 0;
  for (let at = 1; at < value.length; at += 1) {
    while (border > 0 && value[at] !== value[border]) border = borders[border] as number;
    if (value[at] === value[border]) border += 1;
    borders[at + 1] = border;
  }
  return { seen: 0, value, borders };
}

/** Takes one more byte. `seen` falls to 0 once less than `least` bytes of the value end here. */
export function follow(continuation: Continuation, byte: number, least: number): void {
  const { value, borders } = continuation;
  let { seen } = continuation;
  while (seen >= least && (seen === value.length || value[seen] !== byte)) seen = borders[seen] as number;
  // Below `least` the automaton sees the value's beginning by itself, if it is there.
  continuation.seen = seen >= least ? seen + 1 : 0;
}
