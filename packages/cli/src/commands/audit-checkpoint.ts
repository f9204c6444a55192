import path from 'node:path';
import { publicKeyPem, readPrefixUpTo, signCheckpoint, verifierKey } from '@hasp/audit';
import { HaspError } from '@hasp/core';
import type { Vault } from '@hasp/vault';
import { writeCheckpoint } from '../checkpoint-file.ts';
import { type Answer, type CommandInput, textOption } from '../command.ts';
import type { Context } from '../context.ts';
import { checkHome, requireOutside } from '../home-guard.ts';
import { readPassphrase, unlock } from '../unlock.ts';
import { logBroken, signerOf, verifyWholeInTwo } from '../verified-log.ts';

const KEY_NOTE = 'who has the public key can check a copy of the log against it: hasp audit checkpoint --public-key';

/** Reads only: it records nothing, fences nothing and ends no runs. */
export async function makeCheckpoint(input: CommandInput, context: Context): Promise<Answer> {
  const { home, clock } = context;
  checkHome(home, context.uid);
  const out = textOption(input, 'out');
  if (out !== undefined && input.options['public-key'] === true) {
    throw new HaspError('E_USAGE', '--public-key makes no checkpoint to write', 'leave --out out');
  }
  if (out !== undefined) requireOutside(path.resolve(context.cwd, out), home);
  const vault = await unlock(input, context, readPassphrase);
  try {
    const signer = signerOf(vault);
    const publicKey = { pem: publicKeyPem(signer), verifierKey: verifierKey(signer) };
    if (input.options['public-key'] === true) return { json: { publicKey }, text: publicKey.pem.trimEnd() };
    const facts = { ...(await factsOf(vault, context)), time: new Date(clock()).toISOString() };
    const checkpoint = signCheckpoint(signer, facts);
    const file = out === undefined ? undefined : writeCheckpoint(out, checkpoint, context);
    const json = { ...facts, checkpoint, publicKey, ...(file === undefined ? {} : { file }) };
    if (file === undefined) return { json, text: checkpoint.trimEnd(), notes: [KEY_NOTE] };
    return { json, notes: [`signed ${facts.seq} records into ${file}; keep it away from this home`, KEY_NOTE] };
  } finally {
    vault.close();
  }
}

/** Of the log as it was when it was verified; what is appended meanwhile is for the next checkpoint. */
async function factsOf(vault: Vault, context: Context) {
  const { problem, head } = await verifyWholeInTwo(vault, context);
  if (problem !== undefined) throw logBroken(problem);
  const prefix = head === null ? undefined : readPrefixUpTo(context.home, head.mac);
  if (head === null || prefix?.last?.mac !== head.mac || prefix.last.seq !== head.seq) {
    throw new HaspError('E_CHAIN_BROKEN', 'the log was changed while it was read', 'look again: hasp audit verify');
  }
  return { chain: vault.chain(), seq: head.seq, mac: head.mac, size: prefix.bytes, sha256: prefix.sha256 };
}
