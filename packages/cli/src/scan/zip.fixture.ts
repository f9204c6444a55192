import { crc32, deflateRawSync } from 'node:zlib';

export interface Part {
  readonly name: string;
  readonly data: Buffer;
  readonly method?: number;
  readonly flags?: number;
  /** What stands in the header, where it is not the truth. */
  readonly packed?: Buffer;
}

/** By hand, for what zip(1) does not write. */
export function zip(parts: readonly Part[]): Buffer {
  const entries: Buffer[] = [];
  const listed: Buffer[] = [];
  for (const { name, data, method = 8, flags = 0, packed = method === 8 ? deflateRawSync(data) : data } of parts) {
    const follows = (flags & 8) !== 0;
    const header = Buffer.alloc(30);
    header.writeUInt32LE(0x04034b50, 0);
    header.writeUInt16LE(20, 4);
    header.writeUInt16LE(flags, 6);
    header.writeUInt16LE(method, 8);
    const crc = crc32(data);
    header.writeUInt32LE(follows ? 0 : crc, 14);
    header.writeUInt32LE(follows ? 0 : packed.length, 18);
    header.writeUInt32LE(follows ? 0 : data.length, 22);
    header.writeUInt16LE(Buffer.byteLength(name), 26);
    const descriptor = Buffer.alloc(follows ? 16 : 0);
    if (follows) {
      descriptor.writeUInt32LE(0x08074b50, 0);
      descriptor.writeUInt32LE(crc, 4);
      descriptor.writeUInt32LE(packed.length, 8);
      descriptor.writeUInt32LE(data.length, 12);
    }
    const list = Buffer.alloc(46);
    list.writeUInt32LE(0x02014b50, 0);
    list.writeUInt16LE(Buffer.byteLength(name), 28);
    entries.push(header, Buffer.from(name), packed, descriptor);
    listed.push(list, Buffer.from(name));
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  return Buffer.concat([...entries, ...listed, end]);
}
