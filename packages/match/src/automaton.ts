/** A byte string to find, and what to call it. */
export interface Pattern {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/**
 * Aho and Corasick's automaton (CACM 18(6), 1975) as one table of moves. A state stands for the
 * longest end of the input that begins some pattern; state 0 is "none". One step a byte, whatever
 * the patterns and the input are.
 */
export interface Automaton {
  /** Bytes that no pattern has are all class 0, which makes rows short. */
  readonly classOf: Uint8Array;
  readonly classes: number;
  /** The next state is moves[state * classes + classOf[byte]]. */
  readonly moves: Int32Array;
  /** Length of the longest pattern that ends in this state, 0 if none does. */
  readonly hitLength: Int32Array;
  /** Index of that pattern. */
  readonly hitPattern: Int32Array;
  /** Length of the longest end of the input that is a proper beginning of some pattern. */
  readonly pending: Int32Array;
}

/** Of equal patterns the first one gives the name. */
export function buildAutomaton(patterns: readonly Pattern[]): Automaton {
  const { classOf, classes } = classifyBytes(patterns);
  const room = 1 + patterns.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const moves = new Int32Array(room * classes);
  const depth = new Int32Array(room);
  const hitLength = new Int32Array(room);
  const hitPattern = new Int32Array(room);
  let states = 1;
  for (const [index, { bytes }] of patterns.entries()) {
    let state = 0;
    for (const byte of bytes) {
      const move = state * classes + (classOf[byte] as number);
      if (moves[move] === 0) {
        depth[states] = (depth[state] as number) + 1;
        moves[move] = states;
        states += 1;
      }
      state = moves[move] as number;
    }
    if (hitLength[state] === 0) {
      hitLength[state] = bytes.length;
      hitPattern[state] = index;
    }
  }
  const pending = new Int32Array(states);
  const automaton = { classOf, classes, moves: moves.subarray(0, states * classes), hitLength, hitPattern, pending };
  completeMoves(automaton, depth, states);
  return automaton;
}

/** Breadth first: fills each state's missing moves and facts from its shorter state, which is done before it. */
function completeMoves(automaton: Automaton, depth: Int32Array, states: number): void {
  const { classes, moves, hitLength, hitPattern, pending } = automaton;
  /** The state with the next shorter end of the same input. */
  const shorter = new Int32Array(states);
  const queue = new Int32Array(states);
  let queued = 1;
  for (let at = 0; at < queued; at += 1) {
    const state = queue[at] as number;
    const back = shorter[state] as number;
    let hasChild = false;
    for (let class_ = 0; class_ < classes; class_ += 1) {
      const move = state * classes + class_;
      const backMove = state === 0 ? 0 : (moves[back * classes + class_] as number);
      const child = moves[move] as number;
      if (child === 0) {
        moves[move] = backMove;
      } else {
        hasChild = true;
        shorter[child] = backMove;
        queue[queued] = child;
        queued += 1;
      }
    }
    pending[state] = hasChild ? (depth[state] as number) : (pending[back] as number);
    if (hitLength[state] === 0) {
      hitLength[state] = hitLength[back] as number;
      hitPattern[state] = hitPattern[back] as number;
    }
  }
}

function classifyBytes(patterns: readonly Pattern[]): { classOf: Uint8Array; classes: number } {
  const used = new Uint8Array(256);
  for (const { bytes } of patterns) for (const byte of bytes) used[byte] = 1;
  const classOf = new Uint8Array(256);
  let classes = 0;
  // With all 256 bytes in use there is no "other" byte, and the first one may have class 0.
  if (!used.every((flag) => flag === 1)) classes = 1;
  for (let byte = 0; byte < 256; byte += 1) {
    if (used[byte] === 1) {
      classOf[byte] = classes;
      classes += 1;
    }
  }
  return { classOf, classes };
}
