import { isSame } from './same-bytes.ts';
import type { NamedValue } from './spellings.ts';

export interface ValueOfMany {
  readonly names: string[];
  readonly bytes: Uint8Array;
}

/** Two secrets may have the same value: it is looked for once, under both names. */
export function mergeTwins(values: readonly NamedValue[]): readonly ValueOfMany[] {
  const merged: ValueOfMany[] = [];
  const byHash = new Map<number, ValueOfMany[]>();
  for (const { name, bytes } of values) {
    const hash = hashOf(bytes);
    const alike = byHash.get(hash) ?? [];
    const twin = alike.find((other) => isSame(other.bytes, bytes));
    if (twin !== undefined) {
      if (!twin.names.includes(name)) twin.names.push(name);
      continue;
    }
    const first = { names: [name], bytes };
    merged.push(first);
    byHash.set(hash, [...alike, first]);
  }
  return merged;
}

/** FNV-1a (Fowler, Noll and Vo), 32 bits. */
function hashOf(bytes: Uint8Array): number {
  let hash = 0x811c9dc5 | 0;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash;
}
