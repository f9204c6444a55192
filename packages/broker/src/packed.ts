/**
 * Plain data with large typed arrays as bytes, so that it is there again without their being copied: length of the
 * skeleton (4 bytes) ‖ skeleton, zeros up to a multiple of 4 ‖ the arrays, each at a multiple of 4. The skeleton is
 * the data without them, as JSON.
 */
const ALIGNMENT = 4;
const ARRAYS = { u8: Uint8Array, u16: Uint16Array, i32: Int32Array } as const;
type Kind = keyof typeof ARRAYS;

interface Plain {
  [name: string]: unknown;
}

interface Section {
  readonly path: readonly string[];
  readonly kind: Kind;
  readonly at: number;
  readonly length: number;
}

interface Skeleton {
  readonly data: Plain;
  readonly sections: readonly Section[];
}

export function pack(data: object): Buffer {
  const sections: Section[] = [];
  const arrays: ArrayBufferView[] = [];
  let size = 0;
  const without = (part: object, path: readonly string[]): Plain => {
    const kept: Plain = {};
    for (const [name, value] of Object.entries(part)) {
      const here = [...path, name];
      const kind = (Object.keys(ARRAYS) as Kind[]).find((one) => value?.constructor === ARRAYS[one]);
      if (kind === undefined) {
        kept[name] = value?.constructor === Object ? without(value, here) : value;
        continue;
      }
      sections.push({ path: here, kind, at: size, length: value.length });
      arrays.push(value);
      size += aligned(value.byteLength);
    }
    return kept;
  };
  const skeleton = Buffer.from(JSON.stringify({ data: without(data, []), sections } satisfies Skeleton));
  const start = aligned(4 + skeleton.length);
  const packed = Buffer.alloc(start + size);
  packed.writeUInt32LE(skeleton.length);
  skeleton.copy(packed, 4);
  for (const [index, { at }] of sections.entries()) {
    const { buffer, byteOffset, byteLength } = arrays[index] as ArrayBufferView;
    packed.set(new Uint8Array(buffer, byteOffset, byteLength), start + at);
  }
  return packed;
}

/** The arrays are views of `packed`. */
export function unpack(packed: Buffer): object {
  const whole = packed.byteOffset % ALIGNMENT === 0 ? packed : Buffer.from(Uint8Array.from(packed).buffer);
  const length = whole.readUInt32LE();
  const { data, sections } = JSON.parse(whole.toString('utf8', 4, 4 + length)) as Skeleton;
  const start = whole.byteOffset + aligned(4 + length);
  for (const { path, kind, at, length: count } of sections) {
    const parent = path.slice(0, -1).reduce((part, name) => part[name] as Plain, data);
    parent[path.at(-1) as string] = new ARRAYS[kind](whole.buffer as ArrayBuffer, start + at, count);
  }
  return data;
}

function aligned(length: number): number {
  return Math.ceil(length / ALIGNMENT) * ALIGNMENT;
}
