/**
 * Byte strings by their beginnings: a tree whose edges are runs of bytes (Morrison's PATRICIA, JACM 15(4),
 * 1968). What begins at one place of a text is found by one walk, however many strings there are.
 * Node 0 is the root, and "none".
 */
export interface Trie {
  /** What each edge adds to the one above it. */
  readonly bytes: Uint8Array;
  /** By first byte: the node below the root. */
  readonly roots: Int32Array;
  /** Of each node: how many bytes lead to its end, */
  readonly depths: Uint16Array;
  /** where in `bytes` a string would begin whose part along the edge to it stands there, */
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

/**
 * Of equal strings the first is in the tree; `firsts` tells of each string which one that is. No string may be empty,
 * or have more than 65,535 bytes. The tree has copies of what it needs of them.
 */
export function buildTrie(strings: Strings): { trie: Trie; firsts: Int32Array } {
  const { trie, firsts, nodes } = grow(strings);
  return { trie: compact(trie, nodes), firsts };
}

function grow({ count, bytes, starts, lengths }: Strings): { trie: Trie; firsts: Int32Array; nodes: number } {
  const most = 2 * count + 1;
  const roots = new Int32Array(256);
  const depths = new Uint16Array(most);
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
  return { trie: { bytes, roots, depths, samples, strings, children, siblings }, firsts, nodes };
}

/** The same without the room for more, and of every string only what no other has before it: half as large. */
function compact({ bytes, roots, depths, samples, strings, children, siblings }: Trie, nodes: number): Trie {
  const above = new Uint16Array(nodes + 1);
  let size = 0;
  for (let parent = 1; parent <= nodes; parent += 1) {
    const depth = depths[parent] as number;
    for (let node = children[parent] as number; node !== 0; node = siblings[node] as number) above[node] = depth;
    size += depth;
  }
  size -= above.reduce((sum, depth) => sum + depth, 0);
  const edges = new Uint8Array(size);
  const places = new Int32Array(nodes + 1);
  let used = 0;
  for (let node = 1; node <= nodes; node += 1) {
    const from = above[node] as number;
    const sample = samples[node] as number;
    const length = (depths[node] as number) - from;
    for (let at = 0; at < length; at += 1) edges[used + at] = bytes[sample + from + at] as number;
    places[node] = used - from;
    used += length;
  }
  const end = nodes + 1;
  return {
    bytes: edges,
    roots,
    depths: depths.slice(0, end),
    samples: places,
    strings: strings.slice(0, end),
    children: children.slice(0, end),
    siblings: siblings.slice(0, end),
  };
}

/** Tells every string that stands in `text` at `start`, shortest first, to `found`. */
export function walk(
  trie: Trie,
  text: Uint8Array,
  start: number,
  found: (start: number, end: number, string: number) => void,
): void {
  const { depths, strings } = trie;
  for (let node = nextEnd(trie, text, start, 0); node !== 0; node = nextEnd(trie, text, start, node)) {
    found(start, start + (depths[node] as number), strings[node] as number);
  }
}

/** The longest string that stands in `text` at `start`, as the node where it ends; 0 if there is none. */
export function longestAt(trie: Trie, text: Uint8Array, start: number): number {
  let longest = 0;
  for (let node = nextEnd(trie, text, start, 0); node !== 0; node = nextEnd(trie, text, start, node)) longest = node;
  return longest;
}

/** Of the strings that stand in `text` at `start`: where the next one ends below the node `from`; 0 if none does. */
function nextEnd(trie: Trie, text: Uint8Array, start: number, from: number): number {
  const { bytes, roots, depths, samples, strings } = trie;
  let above = from === 0 ? 0 : (depths[from] as number);
  let node = from === 0 ? (roots[text[start] ?? 0] as number) : childAt(trie, from, text[start + above]);
  while (node !== 0) {
    const end = depths[node] as number;
    if (start + end > text.length) return 0;
    const sample = samples[node] as number;
    for (let depth = above + 1; depth < end; depth += 1) if (text[start + depth] !== bytes[sample + depth]) return 0;
    if ((strings[node] as number) >= 0) return node;
    above = end;
    node = childAt(trie, node, text[start + end]);
  }
  return 0;
}

/** The child of a node whose edge begins with that byte; 0 if there is none. */
function childAt(
  { bytes, depths, samples, children, siblings }: Trie,
  parent: number,
  byte: number | undefined,
): number {
  const depth = depths[parent] as number;
  let node = children[parent] as number;
  while (node !== 0 && bytes[(samples[node] as number) + depth] !== byte) node = siblings[node] as number;
  return node;
}

/** Whether all of `text` from `start` on is a beginning of some string, but not all of it. */
export function isBeginning(trie: Trie, text: Uint8Array, start: number): boolean {
  const { bytes, roots, depths, samples, children } = trie;
  const length = text.length - start;
  let node = roots[text[start] as number] as number;
  let depth = 1;
  while (node !== 0) {
    const end = depths[node] as number;
    const sample = samples[node] as number;
    for (; depth < end && depth < length; depth += 1) if (text[start + depth] !== bytes[sample + depth]) return false;
    if (depth === length) return length < end || children[node] !== 0;
    node = childAt(trie, node, text[start + end]);
    depth = end + 1;
  }
  return false;
}
