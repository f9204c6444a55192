import { Heads } from './heads.ts';
import { addSpellings, wholeOf } from './spellings.ts';

/** Each spelling of a value, whole, with doubles. */
export function allSpellings(value: Uint8Array): Uint8Array[] {
  const heads = new Heads();
  addSpellings(heads, value, 0);
  return Array.from({ length: heads.count }, (_, head) => {
    const start = heads.starts[head] as number;
    const longer = heads.longer.get(head);
    return longer === undefined
      ? heads.bytes.slice(start, start + (heads.lengths[head] as number))
      : wholeOf(value, longer);
  });
}
