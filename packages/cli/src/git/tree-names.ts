const SPACE = 0x20;
const SLASH = 0x2f;

/**
 * The paths in a tree object, each with a NUL behind it. A tree is a row of `MODE SPACE NAME NUL OID`; what is
 * built otherwise is returned as it is, so that nothing in it is missed.
 */
export function listTree(tree: Buffer, folder: Buffer, oidBytes: number): Buffer {
  const prefix = folder.length === 0 ? folder : Buffer.concat([folder, Buffer.of(SLASH)]);
  const spans: number[] = [];
  let length = 0;
  for (let at = 0; at < tree.length; ) {
    const space = tree.indexOf(SPACE, at);
    const end = space < 0 ? -1 : tree.indexOf(0, space + 1);
    if (space - at > 6 || end < 0 || end + 1 + oidBytes > tree.length) return tree;
    spans.push(space + 1, end + 1);
    length += prefix.length + end - space;
    at = end + 1 + oidBytes;
  }
  const list = Buffer.allocUnsafe(length);
  let to = 0;
  for (let at = 0; at < spans.length; at += 2) {
    list.set(prefix, to);
    to += prefix.length;
    to += tree.copy(list, to, spans[at], spans[at + 1]);
  }
  return list;
}
