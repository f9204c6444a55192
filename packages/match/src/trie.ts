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
  /** and its newest child, and the one before it among its parent's. */
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

/** Of equal strings the first is in the tree; `firsts` tells of each string which one that is. No string may be empty. */
export function buildTrie({ count, bytes, starts, lengths }: Strings): { trie: Trie; firsts: Int32Array } {
  const most = 2 * count + 1;
  const roots = new Int32Array(256);
  const depths = new Int32Array(most);
  const samples = new Int32Array(most);
  const strings = new Int32Array(most);
  const children = new Int32Array(most);
  const siblings = new Int32Array(most);
  const firsts = new Int32Array(count);
  let nodes = 0;
  for (let string = 0; string < count; string += 1) {
    const start = starts[string] as number;
    const length = lengths[string] as number;
    const first = bytes[start] as number;
    firsts[string] = string;
    let parent = 0;
    let node = roots[first] as number;
    let depth = 1;
    while (node !== 0) {
      const end = depths[node] as number;
      const sample = samples[node] as number;
      const most = Math.min(end, length);
      while (depth < most && bytes[start + depth] === bytes[sample + depth]) depth += 1;
      parent = node;
      if (depth < end) {
        // The edge is cut in two: the node becomes its upper end, a new one takes over what it was.
        nodes += 1;
        depths[nodes] = end;
        samples[nodes] = sample;
        strings[nodes] = strings[node] as number;
        children[nodes] = children[node] as number;
        depths[node] = depth;
        strings[node] = -1;
        children[node] = nodes;
        break;
      }
      if (depth === length) break;
      const byte = bytes[start + depth];
      node = children[node] as number;
      while (node !== 0 && bytes[(samples[node] as number) + depth] !== byte) node = siblings[node] as number;
    }
    if (parent !== 0 && depth === length) {
      if ((strings[parent] as number) < 0) strings[parent] = string;
      firsts[string] = strings[parent] as number;
      continue;
    }
    nodes += 1;
    depths[nodes] = length;
    samples[nodes] = start;
    strings[nodes] = string;
    if (parent === 0) {
      roots[first] = nodes;
    } else {
      siblings[nodes] = children[parent] as number;
      children[parent] = nodes;
    }
  }
  return { trie: { bytes, roots, depths, samples, strings, children, siblings }, firsts };
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

/** The longest string that stands in `text` at `start`, as the node where it ends; 0 if there is none. */
export function longestAt(trie: Trie, text: Uint8Array, start: number): number {
  const { bytes, roots, depths, samples, strings, children, siblings } = trie;
  let longest = 0;
  let node = start < text.length ? (roots[text[start] as number] as number) : 0;
  let depth = 1;
  while (node !== 0) {
    const end = depths[node] as number;
    if (start + end > text.length) return longest;
    const sample = samples[node] as number;
    for (; depth < end; depth += 1) if (text[start + depth] !== bytes[sample + depth]) return longest;
    if ((strings[node] as number) >= 0) longest = node;
    const byte = text[start + end];
    node = children[node] as number;
    while (node !== 0 && bytes[(samples[node] as number) + end] !== byte) node = siblings[node] as number;
    depth = end + 1;
  }
  return longest;
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
