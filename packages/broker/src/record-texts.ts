import { makeTextMask, type NamedValue, type TextMask } from '@hasp/match';

const MAX_WORDS = 256;
const MAX_WORD_LENGTH = 1024;
const MAX_TOTAL_LENGTH = 16 * 1024;

/** Texts as they may stand in a record: values masked first, then cut. The values must not be wiped before. */
export class RecordTexts {
  readonly #texts: TextMask;

  constructor(values: readonly NamedValue[]) {
    this.#texts = makeTextMask(values);
  }

  text(text: string): string {
    const masked = this.#texts.mask(text);
    return masked.length > MAX_WORD_LENGTH ? `${masked.slice(0, MAX_WORD_LENGTH)}…` : masked;
  }

  wipe(): void {
    this.#texts.wipe();
  }

  /** argv, bounded: a record is at most 64 KiB. */
  command(command: readonly string[]): string[] {
    const words: string[] = [];
    let total = 0;
    for (const word of command.slice(0, MAX_WORDS)) {
      const shown = this.text(word);
      total += shown.length;
      if (total > MAX_TOTAL_LENGTH) break;
      words.push(shown);
    }
    if (words.length < command.length) words.push(`… ${command.length - words.length} more`);
    return words;
  }
}
