import { createCipheriv, createDecipheriv } from 'node:crypto';
import { deriveKey } from './keys.ts';

/**
 * A sealed envelope is salt (32 random bytes) ‖ ciphertext ‖ tag (16 bytes), ChaCha20-Poly1305 of RFC 8439:
 *
 *   key = HKDF-SHA256(parent key, salt, info = context)     used for this one envelope only
 *   nonce = 12 zero bytes                                   a key that seals once can't repeat a nonce
 *   associated data = context
 *
 * The context is a frame that says what is sealed and where it belongs, so that an envelope put anywhere
 * else does not open.
 */
export const SALT_BYTES = 32;
const TAG_BYTES = 16;

const NONCE = Buffer.alloc(12);
const ALGORITHM = 'chacha20-poly1305';

/** Encrypts under a key used once; returns ciphertext ‖ tag. libsodium's or Node's: the same bytes. */
export type Cipher = (key: Uint8Array, nonce: Uint8Array, context: Uint8Array, plain: Uint8Array) => Uint8Array;

export const nodeCipher: Cipher = (key, nonce, context, plain) => {
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(context, { plaintextLength: plain.length });
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
};

/** @param salt 32 bytes from a cryptographic source, never used before. */
export function seal(
  cipher: Cipher,
  parent: Uint8Array,
  salt: Uint8Array,
  context: Uint8Array,
  plain: Uint8Array,
): Buffer {
  if (salt.length !== SALT_BYTES) throw new Error('a salt has 32 bytes');
  const key = deriveKey(parent, salt, context);
  try {
    return Buffer.concat([salt, cipher(key, NONCE, context, plain)]);
  } finally {
    key.fill(0);
  }
}

/** The plaintext in memory of its own; undefined if this is not what was sealed with that key in that context. */
export function unseal(parent: Uint8Array, sealed: Uint8Array, context: Uint8Array): Buffer | undefined {
  if (sealed.length < SALT_BYTES + TAG_BYTES) return undefined;
  const key = deriveKey(parent, sealed.subarray(0, SALT_BYTES), context);
  const body = sealed.subarray(SALT_BYTES, sealed.length - TAG_BYTES);
  try {
    const decipher = createDecipheriv(ALGORITHM, key, NONCE, { authTagLength: TAG_BYTES });
    decipher.setAAD(context, { plaintextLength: body.length });
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
    const plain = decipher.update(body);
    return opens(() => decipher.final()) ? plain : wiped(plain);
  } finally {
    key.fill(0);
  }
}

function opens(final: () => unknown): boolean {
  try {
    final();
    return true;
  } catch {
    return false;
  }
}

/** Unauthenticated plaintext is not handed on. */
function wiped(plain: Buffer): undefined {
  plain.fill(0);
  return undefined;
}
