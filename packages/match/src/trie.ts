/**
 * Byte strings by their beginnings: a tree whose edges are runs of bytes (Morrison's PATRICIA, JACM 15(4),
 * 1968). What begins at one place of a text is found by one walk, however many strings there are.
 * Node 0 is the root, and "none".
 */
export interface Trie {
  /** Where the strings are. */
  readonly bytes: Uint8Array;
  /** By first byte: the node below the root. */
  readonly roots: Int32Array;
  /** Of each node: how many bytes lead to its end, */
  readonly depths: Int32Array;
  /** where in `bytes` a string begins that goes through it, */
  readonly samples: Int32Array;
  /** which string ends there, -1 if none does, */
  readonly strings: Int32Array;
  /** and the last of its children, and the one before it among its parent's. */
  readonly children: Int32Array;
  readonly siblings: Int32Array;
}

/** Byte strings in one array. */
export interface Strings {
  readonly count: number;
  readonly bytes: Uint8Array;
  readonly starts: Int32Array;
  readonly lengths: Int32Array;
}

/** Of equal strings the first counts. No string may be empty. */
export function buildTrie(all: Strings): Trie {
  const { bytes, starts, lengths } = all;
  const most = 2 * all.count + 1;
  const roots = new Int32Array(256);
  const depths = new Int32Array(most);
  const samples = new Int32Array(most);
  const strings = new Int32Array(most).fill(-1);
  const children = new Int32Array(most);
  const siblings = new Int32Array(most);
  /** The way from the root to the string before. */
  const path: number[] = [0];
  let nodes = 0;
  let before = -1;
  for (const index of inOrder(all)) {
    const start = starts[index] as number;
    const length = lengths[index] as number;
    const shared = before < 0 ? 0 : sharedLength(all, before, index);
    if (shared === length) continue;
    let below = 0;
    while ((depths[path[path.length - 1] as number] as number) > shared) below = path.pop() as number;
    let parent = path[path.length - 1] as number;
    if ((depths[parent] as number) < shared) {
      // The edge to `below`, its parent's last child, is cut in two.
      nodes += 1;
      depths[nodes] = shared;
      samples[nodes] = samples[below] as number;
      children[nodes] = below;
      siblings[nodes] = siblings[below] as number;
      siblings[below] = 0;
      if (parent === 0) roots[bytes[start] as number] = nodes;
      else children[parent] = nodes;
      parent = nodes;
      path.push(parent);
    }
    nodes += 1;
    depths[nodes] = length;
    samples[nodes] = start;
    strings[nodes] = index;
    if (parent === 0) {
      roots[bytes[start] as number] = nodes;
    } else {
      siblings[nodes] = children[parent] as number;
      children[parent] = nodes;
    }
    path.push(nodes);
    before = index;
  }
  return { bytes, roots, depths, samples, strings, children, siblings };
}

/** Tells every string that stands in `text` at `start`, shortest first, to `found`. */
export function walk(
  trie: Trie,
  text: Uint8Array,
  start: number,
  found: (start: number, end: number, string: number) => void,
): void {
  const { bytes, roots, depths, samples, strings, children, siblings } = trie;
  let node = start < text.length ? (roots[text[start] as number] as number) : 0;
  let depth = 1;
  while (node !== 0) {
    const end = depths[node] as number;
    if (start + end > text.length) return;
    const sample = samples[node] as number;
    for (; depth < end; depth += 1) if (text[start + depth] !== bytes[sample + depth]) return;
    if ((strings[node] as number) >= 0) found(start, start + end, strings[node] as number);
    const byte = text[start + end];
    node = children[node] as number;
    while (node !== 0 && bytes[(samples[node] as number) + end] !== byte) node = siblings[node] as number;
    depth = end + 1;
  }
}

/** Whether all of `text` from `start` on is a beginning of some string, but not all of it. */
export function isBeginning(trie: Trie, text: Uint8Array, start: number): boolean {
  const { bytes, roots, depths, samples, children, siblings } = trie;
  const length = text.length - start;
  let node = roots[text[start] as number] as number;
  let depth = 1;
  while (node !== 0) {
    const end = depths[node] as number;
    const sample = samples[node] as number;
    for (; depth < end && depth < length; depth += 1) if (text[start + depth] !== bytes[sample + depth]) return false;
    node = depth === length && length < end ? node : (children[node] as number);
    if (depth === length) return node !== 0;
    const byte = text[start + end];
    while (node !== 0 && bytes[(samples[node] as number) + end] !== byte) node = siblings[node] as number;
    depth = end + 1;
  }
  return false;
}

function sharedLength({ bytes, starts, lengths }: Strings, a: number, b: number): number {
  const most = Math.min(lengths[a] as number, lengths[b] as number);
  const startA = starts[a] as number;
  const startB = starts[b] as number;
  let length = 0;
  while (length < most && bytes[startA + length] === bytes[startB + length]) length += 1;
  return length;
}

/** The indexes of the strings in the order of their bytes: multikey quicksort (Bentley and Sedgewick, SODA 1997). */
function inOrder({ count, bytes, starts, lengths }: Strings): Int32Array {
  const order = Int32Array.from({ length: count }, (_, index) => index);
  /** -1 beyond the end. */
  const byteAt = (index: number, depth: number): number =>
    depth < (lengths[index] as number) ? (bytes[(starts[index] as number) + depth] as number) : -1;
  const swap = (a: number, b: number): void => {
    const index = order[a] as number;
    order[a] = order[b] as number;
    order[b] = index;
  };
  const sort = (first: number, last: number, common: number): void => {
    let [from, to, depth] = [first, last, common];
    while (to - from > 1) {
      const pivot = byteAt(order[(from + to) >> 1] as number, depth);
      let [less, at, greater] = [from, from, to];
      while (at < greater) {
        const byte = byteAt(order[at] as number, depth);
        if (byte < pivot) {
          swap(less, at);
          less += 1;
          at += 1;
        } else if (byte > pivot) {
          greater -= 1;
          swap(at, greater);
        } else {
          at += 1;
        }
      }
      sort(from, less, depth);
      sort(greater, to, depth);
      if (pivot < 0) {
        order.subarray(less, greater).sort();
        return;
      }
      [from, to, depth] = [less, greater, depth + 1];
    }
  };
  sort(0, count, 0);
  return order;
}
