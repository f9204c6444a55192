import { deserialize, serialize } from 'node:v8';

/**
 * Plain data with large typed arrays as bytes, so that it is there again without their being copied: length of the
 * skeleton (4 bytes) ‖ skeleton, zeros up to a multiple of 4 ‖ the arrays, each at a multiple of 4. The skeleton is
 * V8's form of the data without them: for the same build of Node only.
 */
const ALIGNMENT = 4;
const ARRAYS = { u8: Uint8Array, u16: Uint16Array, i32: Int32Array, u32: Uint32Array } as const;
type Kind = keyof typeof ARRAYS;

/** Smaller ones stay in the skeleton. */
const LARGE_BYTES = 1024;

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
  const arrays: Uint8Array[] = [];
  let size = 0;
  const place = (bytes: Uint8Array, section: Omit<Section, 'at'>): void => {
    sections.push({ ...section, at: size });
    arrays.push(bytes);
    size += aligned(bytes.length);
  };
  const without = (part: object, path: readonly string[]): Plain =>
    Object.fromEntries(
      Object.entries(part).map(([name, value]) => {
        const here = [...path, name];
        const kind = (Object.keys(ARRAYS) as Kind[]).find((one) => value?.constructor === ARRAYS[one]);
        if (kind === undefined || value.byteLength < LARGE_BYTES) {
          return [name, value?.constructor === Object ? without(value, here) : value];
        }
        place(bytesOf(value), { path: here, kind, length: value.length });
        return [name, undefined];
      }),
    );
  const skeleton = serialize({ data: without(data, []), sections } satisfies Skeleton);
  const start = aligned(4 + skeleton.length);
  const packed = Buffer.alloc(start + size);
  packed.writeUInt32LE(skeleton.length);
  skeleton.copy(packed, 4);
  for (const [index, { at }] of sections.entries()) packed.set(arrays[index] as Uint8Array, start + at);
  skeleton.fill(0);
  return packed;
}

/** The arrays are views of `packed`. */
export function unpack(packed: Buffer): object {
  const whole = packed.byteOffset % ALIGNMENT === 0 ? packed : Buffer.from(Uint8Array.from(packed).buffer);
  const length = whole.readUInt32LE();
  const { data, sections } = deserialize(whole.subarray(4, 4 + length)) as Skeleton;
  const start = whole.byteOffset + aligned(4 + length);
  for (const { path, kind, at, length: count } of sections) {
    const array = new ARRAYS[kind](whole.buffer as ArrayBuffer, start + at, count);
    const parent = path.slice(0, -1).reduce((part, name) => part[name] as Plain, data);
    parent[path.at(-1) as string] = array;
  }
  return data;
}

function aligned(length: number): number {
  return Math.ceil(length / ALIGNMENT) * ALIGNMENT;
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
