const NOTHING = new Uint8Array(0);

/** Copies only if more than one of them has anything. */
export function joinBytes(pieces: readonly Uint8Array[]): Uint8Array {
  const some = pieces.filter((piece) => piece.length > 0);
  if (some.length < 2) return some[0] ?? NOTHING;
  const whole = new Uint8Array(some.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of some) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
