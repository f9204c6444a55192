import { execFileSync } from 'node:child_process';
import { Repository } from './repository.ts';
import type { Outcome } from './sandbox.ts';

/** Pushes, with the hooks or without. */
type Push = (guarded: boolean) => Promise<Outcome>;

export interface PushCase {
  readonly name: string;
  readonly init?: readonly string[];
  prepare(repo: Repository): Push | Promise<Push>;
  readonly says?: RegExp;
  /** Stopped because it can't be known. */
  readonly unsure?: boolean;
  /** git itself would not do it. */
  readonly isImpossible?: boolean;
}

export const pushing =
  (repo: Repository, ...argv: string[]): Push =>
  (guarded) => {
    if (guarded) repo.guard();
    return repo.git(['push', '-q', ...argv]);
  };

/** A commit on both sides. */
export function shared(repo: Repository, ...init: string[]): string {
  const remote = repo.addRemote('origin', ...init);
  repo.commit({ file: 'a\n' });
  repo.do('push', '-qu', 'origin', 'main');
  return remote;
}

/** Two branches that differ in the same line. */
export function conflict(repo: Repository): void {
  repo.do('checkout', '-qb', 'side');
  repo.commit({ file: 'b\n' });
  repo.do('checkout', '-q', 'main');
  repo.commit({ file: 'c\n' });
}

/** A clone of what `repo` has pushed. */
export function clone(repo: Repository, remote: string, ...options: string[]): Repository {
  const folder = `${repo.folder}-clone`;
  execFileSync('git', ['clone', '-q', ...options, remote, folder], { env: repo.sandbox.environment, stdio: 'pipe' });
  return new Repository(repo.sandbox, folder);
}
