import { AssignmentProblem, type Kept, type Written } from './assignment.ts';

/** What may stand behind a closing quote. A comment is known by its `#`, and not read: a long line may have many quotes. */
const LINE_END = /[^\S\n]*(?:#|\n|$)/y;
const NOTHING = /^\s*(?:#|$)/;
const EXPORT = /^\s*(?:export\s+(?=[^\s=]))?/;
const QUOTES = ['"', "'", '`'];

interface Value {
  readonly value: string;
  readonly kept: readonly Kept[];
  /** Where the next line begins. */
  readonly next: number;
}

/**
 * A .env file whose lines end with \n, in its order. Values are what the npm package `dotenv` makes of them, with two
 * exceptions: a # begins a comment only behind a blank, and a line that dotenv passes over or takes for something else
 * (no `=`, a quote that does not close, text behind the closing one) is refused.
 * @throws AssignmentProblem
 */
export function parseDotenv(text: string): Written[] {
  const found: Written[] = [];
  for (let at = 0; at < text.length; ) {
    const end = endOfLine(text, at);
    const line = text.slice(at, end);
    if (NOTHING.test(line)) {
      at = end + 1;
      continue;
    }
    const nameAt = at + (EXPORT.exec(line)?.[0].length ?? 0);
    const equals = text.indexOf('=', nameAt);
    if (equals < 0 || equals >= end) throw new AssignmentProblem('a line without =', nameAt);
    const { value, kept, next } = readValue(text, equals + 1, end);
    found.push({ name: text.slice(nameAt, equals).trim(), value, kept, at: nameAt });
    at = next;
  }
  return found;
}

function readValue(text: string, from: number, end: number): Value {
  const raw = text.slice(from, end);
  const first = raw.search(/\S/);
  if (QUOTES.includes(raw[first] ?? '')) return readQuoted(text, from + first);
  const comment = raw.search(/\s#/);
  const value = (comment < 0 ? raw : raw.slice(0, comment)).trim();
  return { value, kept: [...expansion(value), ...(value.includes('#') ? (['hash'] as const) : [])], next: end + 1 };
}

/** The closing quote has the line's end behind it. One with a backslash in front closes only where no later one does. */
function readQuoted(text: string, open: number): Value {
  const quote = text[open] as string;
  let close = -1;
  let last = open;
  do {
    last = text.indexOf(quote, last + 1);
    if (last < 0) break;
    if (endsLine(text, last + 1)) close = last;
  } while (text[last - 1] === '\\');
  if (close < 0) throw unclosed(text, open, last);
  const raw = text.slice(open + 1, close);
  const next = endOfLine(text, close) + 1;
  if (quote === "'") return { value: raw, kept: [], next };
  if (quote === '`') return { value: raw, kept: expansion(raw), next };
  const value = raw.replace(/\\n/g, '\n').replace(/\\r/g, '\r');
  return { value, kept: [...expansion(raw), ...(/\\(?![nr])/.test(raw) ? (['backslash'] as const) : [])], next };
}

function unclosed(text: string, open: number, last: number): AssignmentProblem {
  const isOnItsLine = last > 0 && last < endOfLine(text, open);
  return isOnItsLine
    ? new AssignmentProblem('text behind the closing quote', last + 1)
    : new AssignmentProblem('a quote that is not closed', open);
}

function expansion(raw: string): Kept[] {
  return /\$[{(]/.test(raw) ? ['expansion'] : [];
}

function endsLine(text: string, from: number): boolean {
  LINE_END.lastIndex = from;
  return LINE_END.test(text);
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
}
