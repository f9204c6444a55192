import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { SLASHED, VALUE } from './commit-cases.ts';
import { clone, type PushCase, pushing, shared } from './pushing.ts';
import { Repository } from './repository.ts';

/** Where a value can be, and from where one can push. */
export const PUSHED_OBJECTS: readonly PushCase[] = [
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
    says: /object [0-9a-f]{40} is damaged, so it could not be checked\n {2}→ see what is damaged: git fsck/,
  },
  {
    name: 'an object that is cut short',
    unsure: true,
    isImpossible: true,
    prepare: (repo) => {
      shared(repo);
      repo.commit({ other: Array.from({ length: 10_000 }, (_, at) => at).join() });
      const blob = repo.do('rev-parse', 'HEAD:other');
      const file = path.join(repo.folder, '.git/objects', blob.slice(0, 2), blob.slice(2));
      const whole = readFileSync(file);
      rmSync(file);
      writeFileSync(file, whole.subarray(0, whole.length / 2));
      return pushing(repo);
    },
    says: /object [0-9a-f]{40} is damaged \(git cat-file failed with status 128\), so not everything was checked\n {2}→ see what is damaged: git fsck/,
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
