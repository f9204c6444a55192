import type { Cipher } from './envelope.ts';

/** libsodium's cipher; its WebAssembly takes some 25 ms to load, so only what adds values asks for it. */
export async function sodiumCipher(): Promise<Cipher> {
  const { default: sodium } = await import('libsodium-wrappers');
  await sodium.ready;
  return (key, nonce, context, plain) =>
    sodium.crypto_aead_chacha20poly1305_ietf_encrypt(plain, context, null, nonce, key);
}
