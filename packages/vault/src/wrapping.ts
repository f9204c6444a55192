import type { Random } from '@hasp/core';
import { nodeCipher, SALT_BYTES, seal, unseal } from './envelope.ts';
import { ARGON2_SALT_BYTES, type Header, rootContext } from './header.ts';
import { NO_STRETCH, type StretchCost, type UnlockKey } from './key-source.ts';

export interface WrapOptions {
  readonly random: Random;
  readonly cost: StretchCost;
  readonly defaultKeyFile?: boolean;
}

/** A header for the root key, which `key` opens. */
export async function wrapRoot(
  root: Uint8Array,
  vaultId: Buffer,
  key: UnlockKey,
  { random, cost, defaultKeyFile }: WrapOptions,
): Promise<Header> {
  const stretched = key.source === 'passphrase';
  const clear = {
    vaultId,
    keySource: key.source,
    defaultKeyFile: defaultKeyFile === true,
    stretch: stretched ? cost : NO_STRETCH,
    stretchSalt: stretched ? Buffer.from(random(ARGON2_SALT_BYTES)) : Buffer.alloc(0),
  };
  const wrapping = await wrappingOf(key, clear);
  try {
    return { ...clear, sealedRoot: seal(nodeCipher, wrapping, random(SALT_BYTES), rootContext(clear), root) };
  } finally {
    wrapping.fill(0);
  }
}

/** The root key; undefined if this is not what it was sealed with. */
export function unwrapRoot(header: Header, wrapping: Uint8Array): Buffer | undefined {
  return unseal(wrapping, header.sealedRoot, rootContext(header));
}

/** What seals and unseals the root key, out of what a person has; the caller wipes it. */
export async function wrappingOf(
  key: UnlockKey,
  { stretchSalt, stretch: cost }: Pick<Header, 'stretchSalt' | 'stretch'>,
): Promise<Buffer> {
  if (key.source !== 'passphrase') return Buffer.from(key.bytes);
  const { stretch } = await import('./argon2.ts');
  return stretch(key.bytes, stretchSalt, cost);
}
