/** A secret to be, as a file gives it. */
export interface Assignment {
  readonly name: string;
  readonly value: string;
  readonly kept: readonly Kept[];
}

/**
 * What stands in a value as it was written, where another reader of such a file would make something else of it;
 * `repeated`: it took the place of an earlier one.
 */
export type Kept = 'expansion' | 'hash' | 'backslash' | 'repeated';

/** With the place of its name: an offset in UTF-16 units. */
export interface Written extends Assignment {
  readonly at: number;
}

/** The message never repeats a value; `name` is what the value would have been called. */
export class AssignmentProblem extends Error {
  readonly at: number;
  readonly called: string | undefined;

  constructor(message: string, at: number, called?: string) {
    super(message);
    this.at = at;
    this.called = called;
  }
}
