import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { SLASHED, VALUE } from './commit-cases.ts';
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
function conflict(repo: Repository): void {
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

export const MUST_BLOCK: readonly PushCase[] = [
  {
    name: 'the first push of all',
    prepare: (repo) => {
      repo.addRemote('origin');
      repo.commit({ 'sub/file': `a\n${VALUE}\n` });
      return pushing(repo, 'origin', 'main');
    },
    says: /in sub\/file:2, commit [0-9a-f]{12}, blob/,
  },
  {
    name: 'a branch that is there',
    prepare: (repo) => {
      shared(repo);
      repo.commit({ file: VALUE });
      return pushing(repo);
    },
  },
  {
    name: 'committed with --no-verify',
    prepare: async (repo) => {
      shared(repo);
      repo.guard();
      repo.write('file', VALUE);
      await repo.git(['commit', '--no-verify', '-qam', 'more']);
      repo.do('config', '--unset', 'core.hooksPath');
      return pushing(repo);
    },
  },
  {
    name: 'a new branch',
    prepare: (repo) => {
      shared(repo);
      repo.do('checkout', '-qb', 'new');
      repo.commit({ other: VALUE });
      repo.commit({ other: 'clean\n' });
      return pushing(repo, 'origin', 'new');
    },
  },
  {
    name: 'several refs, a tag and a removal in one push',
    prepare: (repo) => {
      shared(repo);
      repo.do('push', '-q', 'origin', 'main:gone');
      repo.commit({ file: 'b\n' });
      repo.do('tag', '-a', '-m', 'clean', 'v1');
      repo.do('checkout', '-qb', 'side');
      repo.commit({ file: VALUE });
      return pushing(repo, 'origin', 'main', ':gone', 'v1', 'side');
    },
  },
  {
    name: 'a second remote, when the first has it',
    prepare: (repo) => {
      shared(repo);
      repo.commit({ file: VALUE });
      repo.do('push', '-q');
      repo.addRemote('second');
      return pushing(repo, 'second', 'main');
    },
  },
  {
    name: 'a remote whose name another remote’s begins with',
    prepare: (repo) => {
      repo.commit({ file: VALUE });
      repo.addRemote('origin/deep');
      repo.do('push', '-q', 'origin/deep', 'main');
      repo.addRemote('origin');
      return pushing(repo, 'origin', 'main');
    },
  },
  {
    name: 'a remote that was given another URL since',
    prepare: (repo) => {
      shared(repo);
      repo.commit({ file: VALUE });
      repo.do('push', '-q');
      const other = repo.addRemote('other');
      repo.do('remote', 'set-url', 'origin', other);
      return pushing(repo, 'origin', 'main');
    },
  },
  {
    name: 'a remote that is pushed to elsewhere',
    prepare: (repo) => {
      shared(repo);
      repo.commit({ file: VALUE });
      repo.do('push', '-q');
      const other = repo.addRemote('other');
      repo.do('remote', 'set-url', '--push', 'origin', other);
      return pushing(repo, 'origin', 'main:new');
    },
  },
  {
    name: 'a URL',
    prepare: (repo) => {
      const remote = shared(repo);
      repo.commit({ file: VALUE });
      return pushing(repo, remote, 'main');
    },
  },
  {
    name: 'a URL that has nothing yet',
    prepare: (repo) => {
      shared(repo);
      repo.commit({ file: VALUE });
      repo.do('push', '-q');
      const other = repo.addRemote('other');
      repo.do('remote', 'remove', 'other');
      return pushing(repo, other, 'main');
    },
  },
  {
    name: 'forced, over a tip that was never fetched',
    prepare: (repo) => {
      const remote = shared(repo);
      const other = clone(repo, remote);
      other.commit({ file: 'theirs\n' });
      other.do('push', '-q');
      repo.commit({ file: VALUE });
      return pushing(repo, '--force', 'origin', 'main');
    },
  },
  {
    name: 'added and removed again in the range',
    prepare: (repo) => {
      shared(repo);
      repo.commit({ file: VALUE });
      repo.commit({ file: 'clean\n' });
      return pushing(repo);
    },
  },
  {
    name: 'only in a merge commit’s own tree',
    prepare: (repo) => {
      shared(repo);
      conflict(repo);
      repo.do('merge', '-q', '-s', 'ours', '--no-commit', 'side');
      repo.write('file', VALUE);
      repo.do('add', '-A');
      repo.do('commit', '-qm', 'evil');
      return pushing(repo);
    },
    says: /in file:1, commit/,
  },
  {
    name: 'hidden by git replace of the commit',
    prepare: (repo) => {
      shared(repo);
      const clean = repo.do('rev-parse', 'HEAD');
      const bad = repo.commit({ file: VALUE });
      repo.do('replace', bad, clean);
      return pushing(repo, 'origin', 'main:refs/heads/new');
    },
  },
  {
    name: 'hidden by git replace of the blob',
    prepare: (repo) => {
      shared(repo);
      repo.commit({ file: VALUE });
      repo.do('replace', repo.do('rev-parse', 'HEAD:file'), repo.object('blob', 'clean\n'));
      return pushing(repo);
    },
  },
  {
    name: 'hidden by a graft',
    isImpossible: true,
    prepare: (repo) => {
      shared(repo);
      const base = repo.do('rev-parse', 'HEAD');
      repo.commit({ file: VALUE });
      const tip = repo.commit({ file: 'clean\n' });
      mkdirSync(path.join(repo.folder, '.git/info'), { recursive: true });
      writeFileSync(path.join(repo.folder, '.git/info/grafts'), `${tip} ${base}\n`);
      return pushing(repo);
    },
  },
  {
    name: 'a commit message',
    prepare: (repo) => {
      shared(repo);
      repo.commit({}, `more\n\n${VALUE}`);
      return pushing(repo);
    },
    says: /in the message, commit/,
  },
  ...(['author', 'committer'] as const).map((who) => ({
    name: `an ${who}`.replace('an c', 'a c'),
    prepare: (repo: Repository) => {
      shared(repo);
      repo.write('file', 'b\n');
      repo.with({ [`GIT_${who.toUpperCase()}_NAME`]: `x ${VALUE}` }, 'commit', '-qam', 'more');
      return pushing(repo);
    },
    says: new RegExp(`in the ${who}, commit`),
  })),
  {
    name: 'an annotated tag on what the other side has',
    prepare: (repo) => {
      shared(repo);
      repo.do('tag', '-a', '-m', `release ${VALUE}`, 'v1');
      return pushing(repo, 'origin', 'v1');
    },
    says: /in the message of the tag, tag/,
  },
  {
    name: 'a tag of a tag',
    prepare: (repo) => {
      shared(repo);
      repo.do('tag', '-a', '-m', VALUE, 'inner');
      repo.do('tag', '-a', '-m', 'outer', 'outer', 'inner');
      return pushing(repo, 'origin', 'outer');
    },
  },
  {
    name: 'a lightweight tag on a blob',
    prepare: (repo) => {
      shared(repo);
      repo.do('tag', 'key', repo.object('blob', VALUE));
      return pushing(repo, 'origin', 'key');
    },
  },
  {
    name: 'a lightweight tag on a tree',
    prepare: (repo) => {
      shared(repo);
      repo.commit({ file: VALUE });
      repo.do('tag', 'tree', 'HEAD^{tree}');
      repo.do('reset', '-q', '--hard', 'HEAD~1');
      return pushing(repo, 'origin', 'tree');
    },
  },
  {
    name: 'notes',
    prepare: (repo) => {
      shared(repo);
      repo.do('notes', 'add', '-m', VALUE);
      return pushing(repo, 'origin', 'refs/notes/commits');
    },
  },
  {
    name: 'a stash, pushed as a branch',
    prepare: (repo) => {
      shared(repo);
      repo.write('file', VALUE);
      repo.do('stash');
      return pushing(repo, 'origin', 'stash@{0}:refs/heads/wip');
    },
  },
  {
    name: 'the name of a branch',
    prepare: (repo) => {
      shared(repo);
      return pushing(repo, 'origin', `main:refs/heads/fix-${VALUE}`);
    },
    says: /in the name refs\/heads\/fix-\[hasp:db\/password\]/,
  },
  {
    name: 'a path',
    prepare: (repo) => {
      shared(repo);
      repo.commit({ [`sub/${VALUE}`]: 'x\n' });
      return pushing(repo);
    },
    says: /in the path sub\/\[hasp:db\/password\], commit/,
  },
  {
    name: 'a path over two folders, of a file that is only moved',
    prepare: (repo) => {
      shared(repo);
      mkdirSync(path.join(repo.folder, path.dirname(SLASHED)));
      repo.do('mv', 'file', SLASHED);
      repo.commit();
      return pushing(repo);
    },
    says: /in the path \[hasp:two\/parts\], commit/,
  },
  {
    name: 'a mirror',
    prepare: (repo) => {
      shared(repo);
      repo.commit({ file: VALUE });
      repo.do('update-ref', 'refs/hidden/x', 'HEAD');
      repo.do('reset', '-q', '--hard', 'HEAD~1');
      return pushing(repo, '--mirror', 'origin');
    },
  },
  {
    name: 'an expression with blanks',
    prepare: (repo) => {
      shared(repo);
      repo.commit({ file: VALUE }, 'the bad one');
      return pushing(repo, 'origin', 'HEAD^{/the bad}:refs/heads/x');
    },
  },
  {
    name: 'a SHA-256 repository',
    init: ['--object-format=sha256'],
    prepare: (repo) => {
      shared(repo, '--object-format=sha256');
      repo.commit({ file: VALUE, [VALUE]: 'a\n' });
      return pushing(repo);
    },
  },
  {
    name: 'a linked work tree',
    prepare: (repo) => {
      shared(repo);
      repo.do('worktree', 'add', '-q', `${repo.folder}-linked`);
      const linked = new Repository(repo.sandbox, `${repo.folder}-linked`);
      linked.commit({ file: VALUE });
      return pushing(linked, 'origin', 'HEAD');
    },
  },
  {
    name: 'objects borrowed from another repository',
    prepare: (repo) => {
      const remote = shared(repo);
      repo.commit({ file: VALUE });
      const borrower = clone(repo, repo.folder, '--shared', '--no-checkout');
      borrower.do('remote', 'add', 'up', remote);
      return pushing(borrower, 'up', 'HEAD:refs/heads/x');
    },
  },
  ...['commit --amend', 'rebase', 'cherry-pick'].map((name) => ({
    name: `after ${name}`,
    prepare: (repo: Repository) => {
      shared(repo);
      repo.commit({ other: VALUE });
      if (name === 'commit --amend') repo.do('commit', '-q', '--amend', '-m', 'again');
      if (name === 'rebase') repo.do('rebase', '-q', '--force-rebase', 'HEAD~1');
      if (name === 'cherry-pick') {
        repo.do('checkout', '-q', '-b', 'side', 'HEAD~1');
        repo.commit({ third: 'a\n' });
        repo.do('cherry-pick', 'main');
      }
      return pushing(repo, 'origin', 'HEAD:refs/heads/new');
    },
  })),
  {
    name: 'a shallow clone',
    prepare: (repo) => {
      const remote = shared(repo);
      repo.commit({ file: 'b\n' });
      repo.do('push', '-q');
      const shallow = clone(repo, `file://${remote}`, '--depth=1');
      shallow.commit({ file: VALUE });
      shallow.commit({ file: 'clean\n' });
      return pushing(shallow);
    },
  },
  {
    name: 'a partial clone',
    prepare: (repo) => {
      const remote = shared(repo);
      execFileSync('git', ['-C', remote, 'config', 'uploadpack.allowFilter', 'true']);
      const partial = clone(repo, `file://${remote}`, '--filter=blob:none');
      partial.commit({ file: VALUE });
      return pushing(partial);
    },
  },
  {
    name: 'a partial clone, of what is not here',
    unsure: true,
    prepare: (repo) => {
      const remote = shared(repo);
      repo.commit({ file: VALUE });
      repo.commit({ file: 'clean\n' });
      repo.do('push', '-q');
      execFileSync('git', ['-C', remote, 'config', 'uploadpack.allowFilter', 'true']);
      const partial = clone(repo, `file://${remote}`, '--filter=blob:none', '--no-checkout');
      partial.addRemote('second');
      execFileSync('git', ['-C', remote, 'config', 'uploadpack.allowAnySHA1InWant', 'true']);
      return pushing(partial, 'second', 'main');
    },
    says: /object [0-9a-f]{40} is not in this repository/,
  },
  {
    name: 'an object that is damaged',
    unsure: true,
    isImpossible: true,
    prepare: (repo) => {
      shared(repo);
      repo.commit({ other: 'x'.repeat(10_000) });
      const blob = repo.do('rev-parse', 'HEAD:other');
      const file = path.join(repo.folder, '.git/objects', blob.slice(0, 2), blob.slice(2));
      rmSync(file);
      writeFileSync(file, 'damaged');
      return pushing(repo);
    },
  },
  {
    name: 'an object that is gone',
    unsure: true,
    isImpossible: true,
    prepare: (repo) => {
      shared(repo);
      repo.commit({ other: 'x'.repeat(10_000) });
      const tree = repo.do('rev-parse', 'HEAD^{tree}');
      rmSync(path.join(repo.folder, '.git/objects', tree.slice(0, 2), tree.slice(2)));
      return pushing(repo);
    },
  },
];
