/**
 * A checkpoint: where the log ended at some moment, as a note that the vault signs. Its text, in the manner of
 * https://c2sp.org/tlog-checkpoint, but of a file and not of a tree:
 *
 *   hasp.audit/<chain id>
 *   <size of the log in bytes>
 *   <base64 of the SHA-256 of these bytes>
 *   seq <number of the last record>
 *   mac <its MAC>
 *   time <when this was signed>
 */
import { type Note, type NoteSigner, noteSigner, parseNote, signNote } from './signed-note.ts';

export interface Checkpoint {
  /** 32 hex digits. */
  readonly chain: string;
  /** Bytes of the log, up to the end of a record. */
  readonly size: number;
  /** Of all of them, hex. */
  readonly sha256: string;
  /** Of the last record. */
  readonly seq: number;
  readonly mac: string;
  /** When it was signed: RFC 3339. */
  readonly time: string;
}

/** A checkpoint is a few hundred bytes; with the signatures of others some more. */
export const MAX_CHECKPOINT_BYTES = 65_536;

const ORIGIN = 'hasp.audit/';
const TEXT =
  /^hasp\.audit\/([0-9a-f]{32})\n([1-9][0-9]{0,14})\n([A-Za-z0-9+/]{43}=)\nseq ([1-9][0-9]{0,14})\nmac ([0-9a-f]{64})\ntime (\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z)\n(?:[^\n]+\n)*$/;

/** The vault's key: one for all chains, so that who has the public key once has it for good. */
export function checkpointSigner(vaultId: string, seed: Uint8Array): NoteSigner {
  return noteSigner(`hasp.vault/${vaultId}`, seed);
}

export function signCheckpoint(signer: NoteSigner, checkpoint: Checkpoint): string {
  const { chain, size, sha256, seq, mac, time } = checkpoint;
  const hash = Buffer.from(sha256, 'hex').toString('base64');
  return signNote(signer, `${ORIGIN}${chain}\n${size}\n${hash}\nseq ${seq}\nmac ${mac}\ntime ${time}\n`);
}

/** Undefined where it is none. Whether it is genuine is another question. */
export function parseCheckpoint(text: string): Checkpoint | undefined {
  const note = parseNote(text);
  return note && checkpointIn(note);
}

/** The same of a note that is read already. */
export function checkpointIn({ text }: Note): Checkpoint | undefined {
  const [, chain, size, hash, seq, mac, time] = TEXT.exec(text) ?? [];
  if (chain === undefined || hash === undefined || mac === undefined || time === undefined) return undefined;
  const sha256 = Buffer.from(hash, 'base64');
  // Base64 can write the last bits in several ways; one is right.
  if (sha256.toString('base64') !== hash) return undefined;
  return { chain, size: Number(size), sha256: sha256.toString('hex'), seq: Number(seq), mac, time };
}
