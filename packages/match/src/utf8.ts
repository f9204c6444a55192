/**
 * The code points of strict UTF-8 (RFC 3629), or undefined where the bytes are none. Not by way of a
 * string: strings can't be wiped.
 */
export function codePointsOf(bytes: Uint8Array): Uint32Array | undefined {
  const points = new Uint32Array(bytes.length);
  let count = 0;
  let at = 0;
  while (at < bytes.length) {
    const lead = bytes[at] as number;
    const more = lead < 0x80 ? 0 : lead < 0xc2 ? -1 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : lead < 0xf5 ? 3 : -1;
    if (more < 0 || at + more >= bytes.length) return undefined;
    let point = more === 0 ? lead : lead & (0x3f >> more);
    for (let next = at + 1; next <= at + more; next += 1) {
      const byte = bytes[next] as number;
      if ((byte & 0xc0) !== 0x80) return undefined;
      point = (point << 6) | (byte & 0x3f);
    }
    const isOverlong = (more === 2 && point < 0x800) || (more === 3 && point < 0x10000);
    if (isOverlong || (point >= 0xd800 && point < 0xe000) || point > 0x10ffff) return undefined;
    points[count] = point;
    count += 1;
    at += more + 1;
  }
  return points.subarray(0, count);
}

/** The longest beginning of at most `most` bytes that cuts no character in two. */
export function beginningOf(bytes: Uint8Array, most: number): Uint8Array {
  let end = Math.min(most, bytes.length);
  if (end === bytes.length) return bytes;
  while (end > most - 4 && ((bytes[end] as number) & 0xc0) === 0x80) end -= 1;
  return bytes.subarray(0, end);
}
