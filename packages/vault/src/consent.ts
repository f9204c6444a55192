import { pad, unpad } from './encoding.ts';
import { corrupt } from './failures.ts';

/** This machine's consent to one manifest. */
export interface Consent {
  /** SHA-256 of hasp.json, hex. */
  readonly manifestHash: string;
  /** The secrets that it opens. */
  readonly names: readonly string[];
  /** RFC 3339 in UTC with milliseconds. */
  readonly trustedAt: string;
}

/** JSON, padded to a multiple of 64 bytes. */
export function encodeConsent(consent: Consent): Buffer {
  const { manifestHash, names, trustedAt } = consent;
  return pad(Buffer.from(JSON.stringify({ manifestHash, names, trustedAt }), 'utf8'));
}

/** @throws HaspError E_VAULT_CORRUPT */
export function decodeConsent(text: Buffer): Consent {
  const bytes = unpad(text);
  if (!bytes) throw corrupt('a consent has a wrong length');
  const { manifestHash, names, trustedAt } = JSON.parse(bytes.toString('utf8')) as Consent;
  return { manifestHash, names, trustedAt };
}
