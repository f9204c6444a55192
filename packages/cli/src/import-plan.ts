import { HaspError } from '@hasp/core';
import type { PresentSecrets } from '@hasp/vault/many';

export const ON_CONFLICT = ['skip', 'overwrite', 'fail'] as const;
export type OnConflict = (typeof ON_CONFLICT)[number];

/** What becomes of one name. */
export interface Planned {
  readonly name: string;
  readonly outcome: 'new' | 'overwritten' | 'skipped' | 'conflict';
  /** That it gets, or that there is. */
  readonly version: number;
}

export function planImport(names: readonly string[], present: PresentSecrets, onConflict: OnConflict): Planned[] {
  return names.map((name) => {
    const there = present.get(name);
    if (there === undefined) return { name, outcome: 'new', version: 1 };
    if (onConflict === 'overwrite') return { name, outcome: 'overwritten', version: there.next };
    return { name, outcome: onConflict === 'skip' ? 'skipped' : 'conflict', version: there.version };
  });
}

export function isStored({ outcome }: Planned): boolean {
  return outcome === 'new' || outcome === 'overwritten';
}

/** Undefined where there is no conflict. */
export function conflictIn(plan: readonly Planned[]): HaspError | undefined {
  const names = plan.filter(({ outcome }) => outcome === 'conflict').map(({ name }) => name);
  if (names.length === 0) return undefined;
  const exist = names.length === 1 ? 'exists' : 'exist';
  return new HaspError(
    'E_EXISTS',
    `${someOf(names)} ${exist} already, and nothing was imported`,
    'keep what there is: --on-conflict skip; store new versions: --on-conflict overwrite',
  );
}

const SHOWN = 10;

/** The first ten names, and how many more. */
export function someOf(names: readonly string[]): string {
  const more = names.length - SHOWN;
  return names.slice(0, SHOWN).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
