import type { Matcher } from './matcher.ts';
import { makeRedactor } from './redactor.ts';
import type { NamedValue } from './spellings.ts';

/** One text, whole, with every value replaced by its mark: an argument of a command line, a path. */
export function maskText(text: string, values: readonly NamedValue[] | Matcher): string {
  const redactor = makeRedactor(values);
  const input = new TextEncoder().encode(text);
  const settled = redactor.push(input);
  const rest = redactor.end();
  if (settled === input) return text;
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return decoder.decode(settled, { stream: true }) + decoder.decode(rest);
}
