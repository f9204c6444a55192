import type { HookName } from './guard.ts';
import type { Leak } from './leak.ts';

const SHORT_ID = 12;

/** One line for a person. */
export function describeLeak({ secret, spelling, where, path, line, commit, blob, tag }: Leak): string {
  const place = {
    content: line === undefined || path === undefined ? path : `${path}:${line}`,
    name: `the path ${path}`,
    message: tag === undefined ? 'the message' : 'the message of the tag',
    author: 'the author',
    committer: 'the committer',
    tagger: 'the tagger',
    header: tag === undefined ? 'the header' : 'the header of the tag',
    ref: `the name ${path}`,
    link: path,
    stdin: 'stdin',
  }[where];
  const ids = [
    ...(commit === undefined ? [] : [`commit ${commit.slice(0, SHORT_ID)}`]),
    ...(blob === undefined ? [] : [`blob ${blob.slice(0, SHORT_ID)}`]),
    ...(tag === undefined ? [] : [`tag ${tag.slice(0, SHORT_ID)}`]),
  ];
  const how = spelling === 'raw' ? '' : ` (${spelling})`;
  return [`${secret}${how} in ${place ?? 'a blob without a path'}`, ...ids].join(', ');
}

/** What to do. A value that is in a commit stays there, so it has to be changed. */
export function remedy(hook: HookName, leaks: readonly Leak[]): string {
  const [name = ''] = (leaks[0]?.secret ?? '').split('@');
  if (hook === 'commit-msg') return 'write the message without it: git commit again';
  if (hook === 'pre-push') {
    return `take it out of the commits (git rebase -i), and change it, since it is in history: hasp secret rotate ${name} --forget`;
  }
  const file = leaks.find(({ where, path }) => where === 'content' && path !== undefined)?.path;
  if (file === undefined) return 'name it otherwise, and try again';
  return `take it out of ${file} and git add it again, or leave the file out: git restore --staged ${file}`;
}
