/** A reader of a format that comes in pieces: it yields whenever it has read all there is. */
export type Parsing<T = void> = Generator<undefined, T, undefined>;

/** What a parser reads from; pieces are given to it from outside, between its yields. */
export class Pieces {
  piece: Uint8Array = new Uint8Array(0);
  at = 0;
  over = false;

  give(piece: Uint8Array): void {
    this.piece = piece;
    this.at = 0;
  }

  /** False at the end of everything. */
  *more(): Parsing<boolean> {
    while (this.at >= this.piece.length) {
      if (this.over) return false;
      yield;
    }
    return true;
  }

  /** Exactly so many bytes, in memory of their own; undefined where it ends before. */
  *bytes(count: number): Parsing<Buffer | undefined> {
    const taken = Buffer.alloc(count);
    for (let done = 0; done < count; ) {
      if (!(yield* this.more())) return undefined;
      const part = this.piece.subarray(this.at, this.at + count - done);
      taken.set(part, done);
      done += part.length;
      this.at += part.length;
    }
    return taken;
  }

  /** Hands over so many bytes as they lie, or as many as there are; false where it ends before. */
  *pass(count: number, to: (part: Uint8Array) => void): Parsing<boolean> {
    for (let left = count; left > 0; ) {
      if (!(yield* this.more())) return false;
      const part = this.piece.subarray(this.at, this.at + left);
      to(part);
      left -= part.length;
      this.at += part.length;
    }
    return true;
  }
}
