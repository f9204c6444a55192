import { type CommitCase, VALUE } from './commit-cases.ts';

export const MESSAGES: readonly CommitCase[] = [
  {
    name: 'in a message',
    commit: (repo) => repo.git(['commit', '-q', '--allow-empty', '-m', `more ${VALUE}`]),
    says: /in the message/,
  },
  {
    name: 'in a line of a message that looks like a comment but is none',
    commit: (repo) => repo.git(['commit', '-q', '--allow-empty', '-m', `more\n# ${VALUE}`]),
  },
  {
    name: 'in a message behind scissors that nobody made',
    commit: (repo) =>
      repo.git([
        'commit',
        '-q',
        '--allow-empty',
        '-m',
        `more\n# ------------------------ >8 ------------------------\n${VALUE}`,
      ]),
  },
  {
    name: 'in a message from a file',
    commit: (repo) => {
      repo.write('message', `more\n\n${VALUE}\n`);
      return repo.git(['commit', '-q', '--allow-empty', '-F', 'message']);
    },
  },
  {
    name: 'in a message from an editor',
    commit: (repo) =>
      repo.git(['commit', '-q', '--allow-empty'], { env: { GIT_EDITOR: `sh -c 'echo more ${VALUE} >"$1"' sh` } }),
  },
  {
    name: 'in a message with another comment character',
    commit: (repo) => {
      repo.do('config', 'core.commentChar', ';');
      return repo.git(['commit', '-q', '--allow-empty'], {
        env: { GIT_EDITOR: `sh -c 'echo "more" >"$1"; echo "# ${VALUE}" >>"$1"' sh` },
      });
    },
  },
];
