const NEWLINE = 0x0a;

/** Counted from 1, the column in bytes: as `git grep` and `rg` do. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Finds the lines of offsets in a blob that comes in pieces, in order. */
export interface PlaceFinder {
  /** False once there is nothing left to find. */
  feed(piece: Uint8Array): boolean;
  /** By offset; those behind the end are missing. */
  readonly places: ReadonlyMap<number, Place>;
}

export function makePlaceFinder(offsets: Iterable<number>): PlaceFinder {
  const wanted = [...new Set(offsets)].sort((a, b) => b - a);
  const places = new Map<number, Place>();
  let line = 1;
  let lineStart = 0;
  let position = 0;
  return {
    places,
    feed(piece) {
      const end = position + piece.length;
      for (let offset = wanted.at(-1); offset !== undefined && offset < end; offset = wanted.at(-1)) {
        for (;;) {
          const newline = piece.indexOf(NEWLINE, Math.max(0, lineStart - position));
          if (newline < 0 || position + newline >= offset) break;
          line += 1;
          lineStart = position + newline + 1;
        }
        places.set(offset, { line, column: offset - lineStart + 1 });
        wanted.pop();
      }
      if (wanted.length === 0) return false;
      for (;;) {
        const newline = piece.indexOf(NEWLINE, Math.max(0, lineStart - position));
        if (newline < 0) break;
        line += 1;
        lineStart = position + newline + 1;
      }
      position = end;
      return true;
    },
  };
}
