import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Scratch, scratchLog } from '../test/scratch.ts';
import { makeVectors } from '../test/vectors.ts';
import { checkCheckpoint } from './check-checkpoint.ts';
import { type Checkpoint, checkpointSigner, parseCheckpoint, signCheckpoint } from './checkpoint.ts';
import { readPrefixUpTo } from './prefix.ts';
import { judgeNote, noteSigner, parseNote, publicKeyPem, signNote, verifierKey } from './signed-note.ts';

const file = new URL('../../../test/vectors/checkpoint.json', import.meta.url);
const SEED = Buffer.from(Array.from({ length: 32 }, (_, i) => 0x10 + i));
const VAULT = 'f00ff00ff00ff00ff00ff00ff00ff00f';
const signer = checkpointSigner(VAULT, SEED);

/** The checkpoint of the frozen log of audit.json. */
function makeCheckpointVector() {
  const { chain, log, seal } = makeVectors();
  const bytes = Buffer.from(log, 'utf8');
  const checkpoint: Checkpoint = {
    chain,
    size: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    seq: seal.seq,
    mac: seal.mac,
    time: '2026-11-21T15:00:00.000Z',
  };
  return {
    format: 'hasp checkpoint, version 1, of the log in audit.json',
    vault: VAULT,
    seed: SEED.toString('hex'),
    publicKey: publicKeyPem(signer),
    verifierKey: verifierKey(signer),
    checkpoint: signCheckpoint(signer, checkpoint),
  };
}

describe('the frozen checkpoint', () => {
  if (process.env['UPDATE'] !== undefined) writeFileSync(file, `${JSON.stringify(makeCheckpointVector(), null, 2)}\n`);
  const frozen = JSON.parse(readFileSync(file, 'utf8')) as ReturnType<typeof makeCheckpointVector>;

  it('is what the code makes today', () => {
    expect(makeCheckpointVector()).toEqual(frozen);
  });

  it('opens, and is of the frozen log', () => {
    const note = parseNote(frozen.checkpoint);
    expect(note && judgeNote(note, signer)).toBe('genuine');
    expect(parseCheckpoint(frozen.checkpoint)).toMatchObject({ chain: makeVectors().chain, seq: 6 });
  });
});

describe('a signed note', () => {
  // The example of https://c2sp.org/signed-note.
  const KEY = 'AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k';
  const NOTE =
    'This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n';

  it('of the specification is genuine, and its verifier key is the one given there', async () => {
    const { createPublicKey } = await import('node:crypto');
    const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), Buffer.from(KEY, 'base64').subarray(1)]);
    const publicKey = createPublicKey({ key: der, format: 'der', type: 'spki' });
    const key = { name: 'example.com/foo', publicKey };
    expect(verifierKey(key)).toBe(`example.com/foo+530d903a+${KEY}`);
    const judge = (text: string) => {
      const note = parseNote(text);
      return note && judgeNote(note, key);
    };
    expect(judge(NOTE)).toBe('genuine');
    expect(judge(NOTE.replace('example message', 'example  message'))).toBe('changed');
    expect(judge(NOTE.replace('Uw2Q', 'Uw2R'))).toBe('not-signed');
  });

  it('is genuine whoever signs it besides, and before', () => {
    const own = signNote(signer, 'text\n');
    const witness = signNote(noteSigner('witness.example', Buffer.alloc(32, 9)), 'text\n').slice('text\n\n'.length);
    for (const both of [`${own}${witness}`, own.replace('\n\n', `\n\n${witness}`)]) {
      const note = parseNote(both);
      expect(note && judgeNote(note, signer)).toBe('genuine');
    }
  });

  it.each([
    ['without a signature', 'text\n\n'],
    ['without an empty line', 'text\n'],
    ['without a last newline', signNote(signer, 'text\n').slice(0, -1)],
    ['with something behind the signatures', `${signNote(signer, 'text\n')}more\n`],
    ['with a signature that is not base64', signNote(signer, 'text\n').replace(/ [^ ]+\n$/, ' !!!!\n')],
    ['with a hundred and one signatures', signNote(signer, 'text\n') + signNote(signer, 'text\n').slice(6).repeat(100)],
  ])('%s is none', (_what, text) => {
    expect(parseNote(text)).toBeUndefined();
  });
});

describe('a log and a checkpoint of it', () => {
  let log: Scratch;
  beforeEach(() => {
    log = scratchLog();
    log.grow(3);
  });
  afterEach(() => log.remove());

  function checkpointNow(changes: Partial<Checkpoint> = {}): string {
    const { chain, seq, mac } = log.mark;
    const prefix = readPrefixUpTo(log.home, mac);
    expect(prefix?.last).toEqual({ seq, mac });
    const { bytes: size = 0, sha256 = '' } = prefix ?? {};
    return signCheckpoint(signer, { chain, size, sha256, seq, mac, time: '2026-11-21T15:00:00.000Z', ...changes });
  }
  const check = (note: string) => checkCheckpoint(log.home, note, signer, log.root.chain, 4);

  it('that grew since go together', () => {
    const note = checkpointNow();
    log.grow(2);
    expect(check(note)).toMatchObject({ ok: true, seq: 4 });
  });

  it.each([
    ['checkpoint-other-chain', (note: string) => note, { chain: 'ff'.repeat(16) }],
    ['checkpoint-record', (note: string) => note, { seq: 3 }],
    ['checkpoint-record', (note: string) => note, { mac: 'ab'.repeat(32) }],
    ['checkpoint-bytes', (note: string) => note, { sha256: 'ab'.repeat(32) }],
    ['checkpoint-ahead', (note: string) => note, { size: 1_000_000 }],
    ['checkpoint-changed', (note: string) => note.replace('seq 4', 'seq 3'), {}],
    ['checkpoint-other-key', (note: string) => note.replace('— hasp.vault/f', '— hasp.vault/0'), {}],
  ] as const)('that differ are %s', (code, change, fields) => {
    expect(check(change(checkpointNow(fields)))).toMatchObject({ ok: false, problem: { code } });
  });

  it('of which the log was cut within the last record are checkpoint-ahead, not a crash', () => {
    const note = checkpointNow();
    log.overwrite(log.bytes().subarray(0, -5));
    expect(check(note)).toMatchObject({ problem: { code: 'checkpoint-ahead', line: 4 } });
  });

  it.each([
    'no note at all',
    'hasp.audit/00\n1\nx\n\n— a b\n',
    checkpointLike('size 007', '\n007\n'),
    checkpointLike('a second spelling of the hash', undefined),
  ])('%s is no checkpoint', (text) => {
    expect(check(text)).toBeUndefined();
  });
});

/** Signed, but not in the shape of section 1. */
function checkpointLike(_what: string, size: string | undefined): string {
  const good = signCheckpoint(signer, {
    chain: '00'.repeat(16),
    size: 7,
    sha256: '00'.repeat(32),
    seq: 1,
    mac: '00'.repeat(32),
    time: '2026-11-21T15:00:00.000Z',
  });
  const text = good.slice(0, good.indexOf('\n\n') + 1);
  return signNote(signer, size === undefined ? text.replace('A=\n', 'B=\n') : text.replace('\n7\n', size));
}
