import type { RevocationReason, RunOutcome } from '@hasp/broker';
import type { Inherited, TreeEnd } from '@hasp/process-tree';

/** How a tree ended, for the record. @param revoked why, where it was asked to end */
export function outcomeOf({ cause, root, exit, survivors }: TreeEnd, revoked: RevocationReason): RunOutcome {
  return {
    reason: cause === 'revoked' ? revoked : cause,
    root,
    ...('code' in exit ? { exitCode: exit.code } : { signal: exit.signal }),
    survivors,
  };
}

/** The descriptor that unlocked the vault is closed by now, and no business of the child's. */
export function withoutDescriptor(inherited: Inherited, descriptor: number | undefined): Inherited {
  return { ...inherited, descriptors: inherited.descriptors.filter((candidate) => candidate !== descriptor) };
}
