import { rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { Repository } from './repository.ts';
import type { Outcome } from './sandbox.ts';

export const VALUE = 'correct-horse-battery-staple';
/** Two parts of a path. */
export const SLASHED = 'first-half/second-half';

export interface CommitCase {
  readonly name: string;
  /** Prepares all, and returns how the commit ends. */
  commit(repo: Repository): Promise<Outcome>;
  readonly init?: readonly string[];
  /** What is said of the place. */
  readonly says?: RegExp;
}

export const staged = (files: Readonly<Record<string, string | Uint8Array>>) => (repo: Repository) => {
  for (const [name, text] of Object.entries(files)) repo.write(name, text);
  repo.do('add', '-A');
  return repo.git(['commit', '-qm', 'more']);
};

export const COMMITS: readonly CommitCase[] = [
  { name: 'in the first commit', commit: staged({ file: `a\nb\nc=${VALUE}\n` }), says: /in file:3, blob/ },
  {
    name: 'in a later commit',
    commit: (repo) => {
      repo.commit({ file: 'a\n' });
      return staged({ file: `a\n${VALUE}\n` })(repo);
    },
    says: /in file:2, blob/,
  },
  {
    name: 'staged, then cleaned in the work tree',
    commit: (repo) => {
      repo.write('file', VALUE);
      repo.do('add', 'file');
      repo.write('file', 'clean\n');
      return repo.git(['commit', '-qm', 'more']);
    },
  },
  {
    name: 'with .gitattributes -diff in the same commit',
    commit: staged({ '.gitattributes': '* -diff\n', file: `${VALUE}\n` }),
  },
  {
    name: 'with .gitattributes binary in the same commit',
    commit: staged({ '.gitattributes': '* binary\n', file: `${VALUE}\n` }),
  },
  {
    name: 'behind a textconv and an external diff that show something else',
    commit: (repo) => {
      repo.do('config', 'diff.blind.textconv', 'true');
      repo.do('config', 'diff.external', 'true');
      repo.write('.gitattributes', '* diff=blind\n');
      repo.write('file', VALUE);
      repo.do('add', '-A');
      return repo.git(['commit', '-qm', 'more'], { env: { GIT_EXTERNAL_DIFF: 'true' } });
    },
  },
  { name: 'behind a NUL byte', commit: staged({ file: Buffer.from(`\0\0\x01${VALUE}\0`) }) },
  {
    name: 'as a file name',
    commit: staged({ [`a-${VALUE}.txt`]: 'x\n' }),
    says: /the path a-\[hasp:db\/password\]\.txt/,
  },
  {
    name: 'as a folder name',
    commit: staged({ [`a/${VALUE}/b`]: 'x\n' }),
    says: /the path a\/\[hasp:db\/password\]\/b/,
  },
  { name: 'across folder and file name', commit: staged({ [SLASHED]: 'x\n' }), says: /the path \[hasp:two\/parts\]/ },
  {
    name: 'as the name of a file that is renamed only',
    commit: (repo) => {
      repo.commit({ file: 'a\n'.repeat(100) });
      repo.do('mv', 'file', VALUE);
      return repo.git(['commit', '-qm', 'more']);
    },
    says: /the path/,
  },
  {
    name: 'as the target of a symbolic link',
    commit: (repo) => {
      symlinkSync(`/srv/${VALUE}`, path.join(repo.folder, 'link'));
      repo.do('add', '-A');
      return repo.git(['commit', '-qm', 'more']);
    },
    says: /in link:1/,
  },
  {
    name: 'in a file that becomes a symbolic link',
    commit: (repo) => {
      repo.commit({ file: 'a\n' });
      rmSync(path.join(repo.folder, 'file'));
      symlinkSync(VALUE, path.join(repo.folder, 'file'));
      return repo.git(['commit', '-qam', 'more']);
    },
  },
  ...['new\nline', '"quoted"', '-dash', 'tab\there', ' space ', 'ünï', ':(top)x'].map((name) => ({
    name: `in a file named ${JSON.stringify(name)}`,
    commit: staged({ [name]: VALUE }),
  })),
  {
    name: 'in a file whose name is not UTF-8',
    commit: (repo) => {
      repo.write(Buffer.from([0x66, 0xff, 0xfe, 0x0a, 0x80]), VALUE);
      repo.do('add', '-A');
      return repo.git(['commit', '-qm', 'more']);
    },
  },
  {
    name: 'by commit -a',
    commit: (repo) => {
      repo.commit({ file: 'a\n' });
      repo.write('file', VALUE);
      return repo.git(['commit', '-qam', 'more']);
    },
  },
  {
    name: 'by commit PATH, with an index of its own',
    commit: (repo) => {
      repo.commit({ file: 'a\n', other: 'a\n' });
      repo.write('file', VALUE);
      return repo.git(['commit', '-qm', 'more', 'file']);
    },
  },
  {
    name: 'by commit --amend',
    commit: (repo) => {
      repo.commit({ file: 'a\n' });
      repo.write('file', VALUE);
      repo.do('add', 'file');
      return repo.git(['commit', '-q', '--amend', '--no-edit']);
    },
  },
  { name: 'behind 5 MiB', commit: staged({ file: Buffer.concat([Buffer.alloc(5 << 20, 'x\n'), Buffer.from(VALUE)]) }) },
  {
    name: 'in the last of 500 files',
    commit: staged(
      Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`f${at}`, at === 499 ? VALUE : `${at}`])),
    ),
  },
  { name: 'in a SHA-256 repository', init: ['--object-format=sha256'], commit: staged({ file: VALUE }) },
  {
    name: 'in a later commit of a SHA-256 repository',
    init: ['--object-format=sha256'],
    commit: (repo) => {
      repo.commit({ file: 'a\n' });
      return staged({ file: VALUE })(repo);
    },
  },
  {
    name: 'in a linked work tree',
    commit: (repo) => {
      repo.commit({ file: 'a\n' });
      repo.do('worktree', 'add', '-q', `../linked-of-${path.basename(repo.folder)}`);
      const linked = new Repository(repo.sandbox, `linked-of-${path.basename(repo.folder)}`);
      return staged({ file: VALUE })(linked);
    },
  },
  {
    name: 'from a subdirectory, with diff.relative',
    commit: (repo) => {
      repo.commit({ 'sub/file': 'a\n' });
      repo.do('config', 'diff.relative', 'true');
      repo.do('config', 'diff.noprefix', 'true');
      repo.write('top', VALUE);
      repo.do('add', '-A');
      return repo.git(['commit', '-qm', 'more'], { cwd: path.join(repo.folder, 'sub') });
    },
  },
  {
    name: 'by git -C',
    commit: (repo) => {
      repo.write('file', VALUE);
      repo.do('add', '-A');
      return repo.git(['-C', repo.folder, 'commit', '-qm', 'more'], { cwd: '/' });
    },
  },
  {
    name: 'by --git-dir and --work-tree',
    commit: (repo) => {
      repo.write('file', VALUE);
      repo.do('add', '-A');
      const places = ['--git-dir', path.join(repo.folder, '.git'), '--work-tree', repo.folder];
      return repo.git([...places, 'commit', '-qm', 'more'], { cwd: '/' });
    },
  },
  {
    name: 'hidden by git replace',
    commit: (repo) => {
      repo.write('file', VALUE);
      repo.do('add', '-A');
      repo.do('replace', repo.do('rev-parse', ':file'), repo.object('blob', 'clean\n'));
      return repo.git(['commit', '-qm', 'more']);
    },
  },
  {
    name: 'hidden by settings in the environment',
    commit: (repo) => {
      repo.write('file', VALUE);
      repo.do('add', '-A');
      return repo.git(['-c', 'diff.orderFile=/nowhere', '-c', 'core.abbrev=7', 'commit', '-qm', 'more'], {
        env: {
          GIT_TRACE: '1',
          GIT_DIFF_OPTS: '--unified=0',
          GIT_REPLACE_REF_BASE: 'refs/x',
          GIT_LITERAL_PATHSPECS: '1',
        },
      });
    },
  },
  {
    name: 'staged in a file that git is told not to look at',
    commit: (repo) => {
      repo.commit({ file: 'a\n', other: 'a\n' });
      repo.write('file', VALUE);
      repo.write('other', VALUE);
      repo.do('add', '-A');
      repo.do('update-index', '--skip-worktree', 'file');
      repo.do('update-index', '--assume-unchanged', 'other');
      return repo.git(['commit', '-qm', 'more']);
    },
  },
  {
    name: 'in a sparse index',
    commit: (repo) => {
      repo.commit({ 'in/file': 'a\n', 'out/file': 'a\n', 'out/deep/file': 'a\n' });
      repo.do('sparse-checkout', 'set', '--cone', '--sparse-index', 'in');
      repo.write('in/file', VALUE);
      repo.do('add', '-A');
      return repo.git(['commit', '-qm', 'more']);
    },
  },
  {
    name: 'in the folded part of a sparse index',
    commit: (repo) => {
      repo.commit({ 'in/file': 'a\n', 'out/deep/file': 'a\n' });
      const clean = repo.do('rev-parse', 'HEAD');
      repo.commit({ 'out/deep/file': VALUE });
      repo.do('sparse-checkout', 'set', '--cone', '--sparse-index', 'in');
      repo.do('reset', '-q', '--soft', clean);
      return repo.git(['commit', '-qm', 'more']);
    },
  },
  {
    name: 'by an author',
    commit: (repo) => {
      repo.commit({ file: 'a\n' });
      return repo.git(['commit', '-q', '--allow-empty', '-m', 'more', '--author', `${VALUE} <a@example.com>`]);
    },
    says: /in the author/,
  },
  {
    name: 'in a merge whose conflict was solved',
    commit: async (repo) => {
      repo.commit({ file: 'a\n' });
      repo.do('checkout', '-qb', 'side');
      repo.commit({ file: 'b\n' });
      repo.do('checkout', '-q', 'main');
      repo.commit({ file: 'c\n' });
      await repo.git(['merge', '-q', 'side']);
      repo.write('file', VALUE);
      repo.do('add', '-A');
      return repo.git(['commit', '-qm', 'merged']);
    },
  },
];
