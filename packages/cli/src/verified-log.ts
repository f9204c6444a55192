import { fileURLToPath } from 'node:url';
import {
  type ChainRoot,
  checkpointSigner,
  type Problem,
  type VerifyReport,
  verifyLog,
  verifyLogInTwo,
} from '@hasp/audit';
import { HaspError } from '@hasp/core';
import { checkpointSeed, type Vault } from '@hasp/vault';
import type { Context } from './context.ts';
import { isTerminal } from './is-terminal.ts';
import { type Progress, progressOn } from './progress.ts';

/** The whole log of the home, verified, with progress on a terminal. Only reads. */
export function verifyWhole(vault: Vault, { home }: Context): VerifyReport {
  const check = startCheck(vault);
  try {
    return verifyLog(home, check.root, vault.mark(), check.progress?.update);
  } finally {
    check.end();
  }
}

/** The same by two threads, where that is quicker. */
export async function verifyWholeInTwo(vault: Vault, { home }: Context): Promise<VerifyReport> {
  const check = startCheck(vault);
  const second = { program: fileURLToPath(new URL('verify-second-half.cjs', import.meta.url)) };
  try {
    return await verifyLogInTwo(home, check.root, vault.mark(), second, check.progress?.update);
  } finally {
    check.end();
  }
}

function startCheck(vault: Vault): { root: ChainRoot; progress: Progress | undefined; end: () => void } {
  const root = { chain: vault.chain(), k0: vault.auditKey() };
  const progress = isTerminal(2) ? progressOn('verified') : undefined;
  return {
    root,
    progress,
    end() {
      progress?.clear();
      root.k0.fill(0);
    },
  };
}

export function logBroken({ code, seq, line, offset, message, verifiedAfter }: Problem): HaspError {
  const where = `record ${seq}, line ${line}, byte ${offset}`;
  return new HaspError(
    'E_CHAIN_BROKEN',
    `the log is broken at ${where}: ${message} (${code}; ${verifiedAfter} records after it verify)`,
    'keep a copy of the home, for the log is evidence; then go on with: hasp audit recover',
  );
}

/** Signs and checks checkpoints. */
export function signerOf(vault: Vault): ReturnType<typeof checkpointSigner> {
  const seed = checkpointSeed(vault);
  try {
    return checkpointSigner(vault.id, seed);
  } finally {
    seed.fill(0);
  }
}
