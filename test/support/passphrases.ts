import { closeSync, openSync } from 'node:fs';
import type { Sandbox, StartOptions } from './sandbox.ts';

/** Hands hasp these texts as files on the descriptors 3, 4 and so on. */
export async function withPassphrases<T>(
  box: Sandbox,
  texts: readonly string[],
  deed: (how: StartOptions) => Promise<T>,
): Promise<T> {
  const descriptors = texts.map((text, index) => openSync(box.write(`passphrase-${index}`, text, 0o600), 'r'));
  try {
    return await deed({ descriptors });
  } finally {
    for (const descriptor of descriptors) closeSync(descriptor);
  }
}
