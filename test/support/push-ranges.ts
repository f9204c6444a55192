import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { VALUE } from './commit-cases.ts';
import { clone, conflict, type PushCase, pushing, shared } from './pushing.ts';

/** What a push selects. */
export const PUSHED_RANGES: readonly PushCase[] = [
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
    name: 'a remote that was given another URL since, where the branch is older',
    prepare: (repo) => {
      shared(repo);
      const other = repo.addRemote('other');
      repo.do('push', '-q', 'other', 'main');
      repo.commit({ file: VALUE });
      repo.commit({ file: 'clean\n' });
      repo.do('push', '-q');
      repo.do('remote', 'set-url', 'origin', other);
      return pushing(repo, 'origin', 'main');
    },
  },
  {
    name: 'a branch that somebody has set back on the other side',
    prepare: (repo) => {
      const remote = shared(repo);
      const before = repo.do('rev-parse', 'HEAD');
      repo.commit({ file: VALUE });
      repo.do('push', '-q');
      execFileSync('git', ['-C', remote, 'update-ref', 'refs/heads/main', before]);
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
];
