import { type CommitCase, VALUE } from './commit-cases.ts';
import type { Repository } from './repository.ts';

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
  ...['--cleanup=verbatim', '--cleanup=whitespace'].map((cleanup) => ({
    name: `in a comment of a message that ${cleanup} keeps`,
    commit: (repo: Repository) =>
      repo.git(['commit', '-q', '--allow-empty', cleanup], {
        env: { GIT_EDITOR: `sh -c 'sed -i "1i more\\n# ${VALUE}" "$1"' sh` },
      }),
  })),
  ...['commit.cleanup=verbatim', 'core.commentChar=;'].map((setting) => ({
    name: `in a comment of a message that -c ${setting} keeps`,
    commit: (repo: Repository) =>
      repo.git(['-c', setting, 'commit', '-q', '--allow-empty'], {
        env: { GIT_EDITOR: `sh -c 'printf "more\\n# ${VALUE}\\n" >"$1"' sh` },
      }),
  })),
];
