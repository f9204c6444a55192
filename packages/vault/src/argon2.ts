import { createRequire } from 'node:module';
import { HaspError } from '@hasp/core';
import type { StretchCost } from './key-source.ts';
import { KEY_BYTES } from './keys.ts';

/** Argon2id version 0x13: 32 bytes from a passphrase and a salt of 16 bytes. */
export type Stretch = (passphrase: Uint8Array, salt: Uint8Array, cost: StretchCost) => Promise<Buffer>;

/** Native where it is installed (some 90 ms at the usual cost), else libsodium's WebAssembly (some 300 ms). */
export const stretch: Stretch = async (passphrase, salt, cost) => {
  const native = await loadNative();
  return native ? nativeStretch(native, passphrase, salt, cost) : wasmStretch(passphrase, salt, cost);
};

type Native = typeof import('@node-rs/argon2');

/** Optional: undefined where it has no build for this platform. */
export async function loadNative(): Promise<Native | undefined> {
  try {
    return await import('@node-rs/argon2');
  } catch {
    return undefined;
  }
}

/** On a thread of libuv's pool; the memory is the system's again after. */
export function nativeStretch(native: Native, ...[passphrase, salt, cost]: Parameters<Stretch>): Promise<Buffer> {
  const argon2id: import('@node-rs/argon2').Algorithm.Argon2id = 2;
  const version13: import('@node-rs/argon2').Version.V0x13 = 1;
  return native.hashRaw(passphrase, {
    algorithm: argon2id,
    version: version13,
    memoryCost: cost.memoryKiB,
    timeCost: cost.passes,
    parallelism: cost.lanes,
    outputLen: KEY_BYTES,
    salt,
  });
}

const WORKER = `
const { parentPort, workerData } = require('node:worker_threads');
const sodium = require(workerData.library);
sodium.ready.then(() => {
  const { passphrase, salt, passes, bytes, memory } = workerData;
  const key = sodium.crypto_pwhash(bytes, passphrase, salt, passes, memory, sodium.crypto_pwhash_ALG_ARGON2ID13);
  sodium.memzero(passphrase);
  parentPort.postMessage(key);
});`;

/** In a worker, since WebAssembly memory never shrinks: it goes away with the worker. */
export const wasmStretch: Stretch = async (passphrase, salt, cost) => {
  const { Worker } = await import('node:worker_threads');
  // The absolute path: code given to a worker as text would look for modules from the working folder.
  const require = createRequire(import.meta.url);
  const library = require.resolve('libsodium-wrappers-sumo');
  const workerData = {
    library,
    passphrase,
    salt,
    passes: cost.passes,
    bytes: KEY_BYTES,
    memory: cost.memoryKiB * 1024,
  };
  const worker = new Worker(WORKER, { eval: true, workerData, env: {}, execArgv: [] });
  try {
    return await new Promise<Buffer>((resolve, reject) => {
      worker.once('message', (key: Uint8Array) => resolve(Buffer.from(key.buffer, key.byteOffset, key.byteLength)));
      worker.once('error', reject);
      worker.once('exit', () => reject(new HaspError('E_INTERNAL', 'the passphrase could not be stretched')));
    });
  } finally {
    await worker.terminate();
  }
};
