/**
 * Follows one long spelling through a stream beyond its head. Knuth, Morris and Pratt's table (SIAM J.
 * Comput. 6(2), 1977) keeps it linear for values that repeat themselves.
 */
export interface Follower {
  readonly whole: Uint8Array;
  /** borders[n] is the length of the longest proper end of whole[0, n) that is also a beginning of it. */
  readonly borders: Int32Array;
  /** How many of the first bytes end at the last byte seen; 0 when it is not being followed. */
  seen: number;
  /** Where in the stream what is being followed began. */
  start: number;
}

export function makeFollower(whole: Uint8Array): Follower {
  const borders = new Int32Array(whole.length + 1);
  let border = 0;
  for (let at = 1; at < whole.length; at += 1) {
    while (border > 0 && whole[at] !== whole[border]) border = borders[border] as number;
    if (whole[at] === whole[border]) border += 1;
    borders[at + 1] = border;
  }
  return { whole, borders, seen: 0, start: 0 };
}

/** Follows `text` from `at` on and returns where it is lost (`seen` is 0 then) or the text ends. */
export function follow(follower: Follower, text: Uint8Array, at: number, head: number): number {
  const { whole, borders } = follower;
  let { seen } = follower;
  let next = at;
  for (; next < text.length; next += 1) {
    const byte = text[next];
    while (seen >= head && (seen === whole.length || whole[seen] !== byte)) seen = borders[seen] as number;
    // With less than a head the matcher finds the beginning by itself, if it is there.
    if (seen < head) {
      seen = 0;
      break;
    }
    seen += 1;
  }
  follower.seen = seen;
  return next;
}
