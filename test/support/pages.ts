import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A page of Markdown of this repository. */
export interface Page {
  /** Relative to the repository's top. */
  readonly file: string;
  readonly text: string;
}

export function readPage(file: string): Page {
  return { file, text: readFileSync(path.join(ROOT, file), 'utf8') };
}

/** README, CHANGELOG and everything under docs. */
export function allPages(): Page[] {
  const docs = readdirSync(path.join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' });
  const files = docs.filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`);
  return ['README.md', 'CHANGELOG.md', ...files.sort()].map(readPage);
}

/** The text of each fenced block of this language. */
export function blocks({ text }: Page, language: string): string[] {
  const found = text.matchAll(/^```([a-z]*)\n([\s\S]*?)^```$/gm);
  return [...found].filter(([, tag]) => tag === language).map(([, , body]) => body ?? '');
}

/** Without fenced blocks: what is left is prose. */
function proseOf({ text }: Page): string {
  return text.replace(/^```[\s\S]*?^```$/gm, '');
}

/** `code` in the prose. */
export function codeSpans(page: Page): string[] {
  return [...proseOf(page).matchAll(/`([^`\n]+)`/g)].map(([, code]) => code ?? '');
}

/** Heading → what stands under it, up to the next heading of the same or a higher level. */
export function sections({ text }: Page): Map<string, string> {
  const found = new Map<string, string>();
  const headings = [...text.matchAll(/^(#+) (.+)$/gm)];
  for (const [index, heading] of headings.entries()) {
    const [line, marks = '', title = ''] = heading;
    const next = headings.slice(index + 1).find(([, other = '']) => other.length <= marks.length);
    found.set(title, text.slice(heading.index + line.length, next?.index ?? text.length));
  }
  return found;
}

/** The part behind `#` in a link to this heading, as GitHub makes it. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

export interface Link {
  readonly from: string;
  /** Relative to the repository's top; the page itself for a link to one of its own headings. */
  readonly path: string;
  readonly anchor: string | undefined;
}

/** Links that stay within the repository. */
export function innerLinks(page: Page): Link[] {
  const targets = [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target ?? '');
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [place = '', anchor] = target.split('#');
      const resolved = place === '' ? page.file : path.posix.join(path.posix.dirname(page.file), place);
      return { from: page.file, path: resolved, anchor };
    });
}

/**
 * The arguments of every `hasp …` of a shell example: behind a pipe and in `<(…)` too, up to a redirection,
 * a comment or the end.
 */
export function haspCalls(example: string): string[][] {
  const calls: string[][] = [];
  for (const line of example.split('\n')) {
    for (const part of outsideQuotes(line, ['|', ';', '(', ')'])) {
      const words = wordsOf(part);
      if (words[0] === 'hasp') calls.push(words.slice(1));
    }
  }
  return calls;
}

const WORD = /'([^']*)'|"([^"]*)"|([^\s'"]+)/g;

/** As a shell splits them, for examples: no escapes, no variables. */
function wordsOf(text: string): string[] {
  const words: string[] = [];
  for (const { 0: raw, 1: single, 2: double, 3: bare } of text.matchAll(WORD)) {
    if (bare?.startsWith('#')) break;
    if (/^\d?[<>]/.test(raw)) break;
    words.push(single ?? double ?? bare ?? '');
  }
  return words;
}

function outsideQuotes(line: string, separators: readonly string[]): string[] {
  const parts = [''];
  let quote: string | undefined;
  for (const character of line) {
    if (quote === undefined && separators.includes(character)) {
      parts.push('');
      continue;
    }
    if (character === quote) quote = undefined;
    else if (quote === undefined && (character === "'" || character === '"')) quote = character;
    parts[parts.length - 1] += character;
  }
  return parts;
}
