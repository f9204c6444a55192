import { printable } from '../output.ts';
import type { Finding } from './finding.ts';

const PART: Readonly<Record<Finding['where'], string>> = {
  content: '',
  name: ' in its name',
  link: ' in where it leads',
  stdin: '',
  message: ' in its message',
  author: ' in its author',
  committer: ' in its committer',
  tagger: ' in its tagger',
  header: ' in its header',
  ref: ' as a name of a ref',
};

/** `src/a.ts:12:5: db/url (raw)`: as compilers and grep do, so that editors find the place. */
export function findingLine({
  path,
  line,
  column,
  offset,
  commit,
  blob,
  tag,
  where,
  secret,
  spelling,
}: Finding): string {
  const file = printable(where !== 'stdin' ? (path ?? '') : path === undefined ? 'stdin' : `stdin!/${path}`);
  const place =
    where !== 'content' && where !== 'stdin' ? '' : line === undefined ? `:+${offset}` : `:${line}:${column}`;
  const object =
    commit !== undefined
      ? `commit ${commit.slice(0, 12)} `
      : blob !== undefined
        ? `blob ${blob.slice(0, 12)} `
        : tag !== undefined
          ? `tag ${tag.slice(0, 12)} `
          : '';
  const at = file === '' ? object.trimEnd() : `${object}${file}${place}`;
  return `${at}: ${secret} (${spelling})${PART[where]}`;
}
