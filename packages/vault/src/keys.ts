import { createHmac } from 'node:crypto';
import { frame } from './encoding.ts';

export const KEY_BYTES = 32;
/** The number of HKDF's only block. */
const ONE = Buffer.from([1]);

/** What a subkey of the root key is for; each use has its own, so that no key meets two constructions. */
export type Purpose =
  | 'values'
  | 'lookup'
  | 'entries'
  | 'summary'
  | 'audit'
  | 'mark'
  | 'sheaf'
  | 'checkpoint'
  | 'backup';

/**
 * HKDF-SHA256 (RFC 5869), 32 bytes: for that length it is two HMACs. Node's hkdfSync gives the same, but its
 * first call costs half a millisecond, and this is on the path of every run.
 */
export function deriveKey(parent: Uint8Array, salt: Uint8Array, info: Uint8Array): Buffer {
  const extracted = createHmac('sha256', salt).update(parent).digest();
  const key = createHmac('sha256', extracted).update(info).update(ONE).digest();
  extracted.fill(0);
  return key;
}

/** HKDF-SHA256(root key, salt = vault id, info = frame("hasp vault 1 subkey", purpose)). */
export function deriveSubkey(root: Uint8Array, vaultId: Uint8Array, purpose: Purpose): Buffer {
  return deriveKey(root, vaultId, frame('hasp vault 1 subkey', purpose));
}

/** k_0 of an audit chain: HKDF-SHA256(audit subkey, salt = chain id, info = frame("hasp vault 1 audit chain")). */
export function deriveAuditKey(auditSubkey: Uint8Array, chain: Uint8Array): Buffer {
  return deriveKey(auditSubkey, chain, frame('hasp vault 1 audit chain'));
}

/** The root key and its subkeys, each derived when first asked for and kept until `wipe`. */
export class Keys {
  readonly vaultId: Buffer;
  /** The root key as it was sealed when it was opened. */
  readonly sealedRoot: Buffer | undefined;
  readonly #root: Buffer;
  readonly #subkeys = new Map<Purpose, Buffer>();

  /** Takes ownership of `root`. */
  constructor(root: Buffer, vaultId: Buffer, sealedRoot?: Buffer) {
    this.#root = root;
    this.vaultId = vaultId;
    this.sealedRoot = sealedRoot;
  }

  /** The live key, not a copy: to be sealed anew. */
  get root(): Buffer {
    return this.#root;
  }

  /** The live key, not a copy: don't wipe it. */
  for(purpose: Purpose): Buffer {
    const known = this.#subkeys.get(purpose);
    if (known) return known;
    const made = deriveSubkey(this.#root, this.vaultId, purpose);
    this.#subkeys.set(purpose, made);
    return made;
  }

  wipe(): void {
    this.#root.fill(0);
    for (const subkey of this.#subkeys.values()) subkey.fill(0);
    this.#subkeys.clear();
  }
}
