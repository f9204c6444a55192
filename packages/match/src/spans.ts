/** A stretch of the stream to be replaced by one mark. */
export interface Span {
  readonly start: number;
  readonly end: number;
  readonly name: string;
}

interface Found extends Span {
  /** Of those that begin together the one with the most gives the name. */
  readonly known: number;
}

/** Joins what overlaps. The match that begins first gives the name. */
export class Spans {
  #found: Found[] = [];
  #takenUntil = 0;

  add(start: number, end: number, known: number, name: string): void {
    const last = this.#found.at(-1);
    // Matches come almost in order: most that overlap can be joined at once.
    if (last !== undefined && start >= last.start && start < last.end) {
      const named =
        start === last.start && known > last.known ? { known, name } : { known: last.known, name: last.name };
      this.#found[this.#found.length - 1] = { start: last.start, end: Math.max(end, last.end), ...named };
    } else {
      this.#found.push({ start, end, known, name });
    }
  }

  /** Whether all that was found has been taken, and ends at that place or before. */
  areTakenBefore(end: number): boolean {
    return this.#found.length === 0 && this.#takenUntil <= end;
  }

  /** Where the last span taken ends, with what has been found since that overlaps it: its mark is out already. */
  takenUntil(): number {
    const found = this.#found.sort((a, b) => a.start - b.start || b.known - a.known);
    const next = found.findIndex(({ start, end }) => {
      if (start >= this.#takenUntil) return true;
      this.#takenUntil = Math.max(this.#takenUntil, end);
      return false;
    });
    this.#found = next < 0 ? [] : found.slice(next);
    return this.#takenUntil;
  }

  /** The spans that begin before `until`, in order; `takenUntil` must have been asked before. */
  takeBefore(until: number): readonly Span[] {
    const taken: { start: number; end: number; name: string }[] = [];
    let at = 0;
    for (; at < this.#found.length; at += 1) {
      const { start, end, name } = this.#found[at] as Found;
      const last = taken.at(-1);
      if (last !== undefined && start < last.end) {
        last.end = Math.max(last.end, end);
      } else if (start < until) {
        taken.push({ start, end, name });
      } else {
        break;
      }
    }
    this.#takenUntil = taken.at(-1)?.end ?? this.#takenUntil;
    this.#found = this.#found.slice(at);
    return taken;
  }
}
