/**
 * Signed notes (https://c2sp.org/signed-note), with Ed25519 alone:
 *
 *   TEXT, its last newline included, then an empty line, then lines of
 *   — NAME base64(key id || signature of TEXT)
 *
 *   key id = the first 4 bytes of SHA-256(NAME || LF || 0x01 || public key)
 */
import { createPrivateKey, createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto';

/** PrivateKeyInfo and SubjectPublicKeyInfo of Ed25519 (RFC 8410), but for the 32 bytes of the key. */
const PRIVATE_KEY_INFO = Buffer.from('302e020100300506032b657004220420', 'hex');
const PUBLIC_KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
const KEY_ID_BYTES = 4;
const ED25519 = 1;
const MARK = '— ';
/** As many signatures as a reader has to look at. */
const MOST_SIGNATURES = 100;

/** A public key under the name that it signs as. */
export interface NoteKey {
  /** Neither white space nor a plus. */
  readonly name: string;
  readonly publicKey: KeyObject;
}

export interface NoteSigner extends NoteKey {
  readonly privateKey: KeyObject;
}

/** @param seed 32 bytes; the caller wipes them */
export function noteSigner(name: string, seed: Uint8Array): NoteSigner {
  const der = Buffer.concat([PRIVATE_KEY_INFO, seed]);
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  der.fill(0);
  return { name, privateKey, publicKey: createPublicKey(privateKey) };
}

/** NAME+KEYID+base64(type || public key): how verifiers are told of a key. */
export function verifierKey(key: NoteKey): string {
  const typed = Buffer.concat([Buffer.from([ED25519]), rawPublicKey(key)]);
  return `${key.name}+${keyId(key).toString('hex')}+${typed.toString('base64')}`;
}

/** SubjectPublicKeyInfo in PEM, as openssl reads it. */
export function publicKeyPem({ publicKey }: NoteKey): string {
  return publicKey.export({ format: 'pem', type: 'spki' }).toString();
}

/** @param text ends with a newline, and has no empty line */
export function signNote(signer: NoteSigner, text: string): string {
  const signature = sign(null, Buffer.from(text, 'utf8'), signer.privateKey);
  return `${text}\n${MARK}${signer.name} ${Buffer.concat([keyId(signer), signature]).toString('base64')}\n`;
}

export interface Note {
  /** Its final newline included. */
  readonly text: string;
  readonly signatures: readonly { readonly name: string; readonly keyId: Buffer; readonly signature: Buffer }[];
}

/** Undefined where it is no signed note. */
export function parseNote(note: string): Note | undefined {
  const split = note.lastIndexOf('\n\n');
  if (split < 0 || !note.endsWith('\n')) return undefined;
  const lines = note.slice(split + 2, -1).split('\n');
  if (lines.length > MOST_SIGNATURES) return undefined;
  const signatures = lines.map(parseSignature);
  if (!signatures.every((one) => one !== undefined)) return undefined;
  return { text: note.slice(0, split + 1), signatures };
}

function parseSignature(line: string): Note['signatures'][number] | undefined {
  const [, name = '', base64 = ''] = /^— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})$/u.exec(line) ?? [];
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length <= KEY_ID_BYTES || bytes.toString('base64') !== base64) return undefined;
  return { name, keyId: bytes.subarray(0, KEY_ID_BYTES), signature: bytes.subarray(KEY_ID_BYTES) };
}

/** Signatures of others are passed over; the first by this key decides. */
export function judgeNote({ text, signatures }: Note, key: NoteKey): 'genuine' | 'changed' | 'not-signed' {
  const id = keyId(key);
  const own = signatures.find((one) => one.name === key.name && one.keyId.equals(id));
  if (own === undefined) return 'not-signed';
  const { signature } = own;
  const isGenuine =
    signature.length === SIGNATURE_BYTES && verify(null, Buffer.from(text, 'utf8'), key.publicKey, signature);
  return isGenuine ? 'genuine' : 'changed';
}

function keyId(key: NoteKey): Buffer {
  const input = Buffer.concat([Buffer.from(`${key.name}\n`, 'utf8'), Buffer.from([ED25519]), rawPublicKey(key)]);
  return hash('sha256', input, 'buffer').subarray(0, KEY_ID_BYTES);
}

function rawPublicKey({ publicKey }: NoteKey): Buffer {
  return publicKey.export({ format: 'der', type: 'spki' }).subarray(-PUBLIC_KEY_BYTES);
}
