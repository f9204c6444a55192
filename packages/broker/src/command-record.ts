import { maskText } from '@hasp/match';

const MAX_WORDS = 256;
const MAX_WORD_LENGTH = 1024;
const MAX_TOTAL_LENGTH = 16 * 1024;

/** Something whose bytes must not stand in a record. */
export interface NamedValue {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** argv as it may stand in a record: values masked, and bounded, since a record is at most 64 KiB. */
export function recordCommand(command: readonly string[], values: readonly NamedValue[]): string[] {
  const words: string[] = [];
  let total = 0;
  for (const word of command.slice(0, MAX_WORDS)) {
    const shown = recordText(word, values);
    total += shown.length;
    if (total > MAX_TOTAL_LENGTH) break;
    words.push(shown);
  }
  if (words.length < command.length) words.push(`… ${command.length - words.length} more`);
  return words;
}

/** One text of a record: values masked first, then cut. */
export function recordText(text: string, values: readonly NamedValue[]): string {
  const masked = maskText(text, values);
  return masked.length > MAX_WORD_LENGTH ? `${masked.slice(0, MAX_WORD_LENGTH)}…` : masked;
}
