/** What Git LFS commits in place of a file. */
export interface LargeFilePointer {
  /** SHA-256, hex. */
  readonly oid: string;
  readonly size: number;
}

/** Git LFS takes nothing longer for a pointer. */
export const MAX_POINTER_BYTES = 1024;

/** "version", with which every pointer begins; false spares a copy. */
export const mayBePointer = (start: Uint8Array): boolean => start[0] === 0x76 && start.length <= MAX_POINTER_BYTES;

/** https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md; undefined where it is none. */
export function parseLargeFilePointer(blob: Uint8Array): LargeFilePointer | undefined {
  if (blob.length > MAX_POINTER_BYTES) return undefined;
  const text = Buffer.from(blob.buffer, blob.byteOffset, blob.length).toString('latin1');
  if (!/^version https?:\/\/(?:git-lfs\.github\.com\/spec|git-media\.io\/v|hawser\.github\.com\/spec)/.test(text)) {
    return undefined;
  }
  const oid = /^oid sha256:([0-9a-f]{64})\r?$/m.exec(text)?.[1];
  const size = /^size ([0-9]{1,15})\r?$/m.exec(text)?.[1];
  return oid === undefined || size === undefined ? undefined : { oid, size: Number(size) };
}
