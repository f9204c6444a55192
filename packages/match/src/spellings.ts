/** A secret's name and its bytes, as the caller holds them; nothing here copies or keeps a value longer than it must. */
export interface NamedValue {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Shorter values are not looked for: they would be found everywhere by chance. */
export const MIN_VALUE_BYTES = 7;

/** Shorter lines of a multi-line value (braces, `},`, base64's last line) say too little to be masked alone. */
const MIN_LINE_BYTES = 16;

/** Lines are looked for up to this many bytes in all: each byte costs up to a kilobyte of tables. */
const MAX_LINES_BYTES = 16 * 1024;

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
/** `-----BEGIN …` and `-----END …` (RFC 7468) are the same in everybody's keys. */
const ARMOUR = new TextEncoder().encode('-----');

/**
 * Every byte string that gives a value away: the value itself without its final newlines (programs
 * print it without them), and, since a terminal or a line reader changes newlines, each longer line
 * of a multi-line text, up to a bound. Empty if the value is too short to be looked for.
 */
export function spellingsOf(value: Uint8Array): readonly Uint8Array[] {
  const whole = withoutNewlinesAtEnd(value);
  if (whole.length < MIN_VALUE_BYTES) return [];
  // What has a NUL is no text: nobody prints it by lines.
  if (!whole.includes(NEWLINE) || whole.includes(0)) return [whole];
  return [whole, ...firstOf(linesOf(whole).filter((line) => line.length >= MIN_LINE_BYTES && !isArmour(line)))];
}

function firstOf(lines: readonly Uint8Array[]): Uint8Array[] {
  let bytes = 0;
  return lines.filter((line) => {
    bytes += line.length;
    return bytes <= MAX_LINES_BYTES;
  });
}

function linesOf(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  let start = 0;
  while (start < bytes.length) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline < 0 ? bytes.length : newline;
    lines.push(withoutNewlinesAtEnd(bytes.subarray(start, end)));
    start = end + 1;
  }
  return lines;
}

function withoutNewlinesAtEnd(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] === NEWLINE || bytes[end - 1] === CARRIAGE_RETURN)) end -= 1;
  return bytes.subarray(0, end);
}

function isArmour(line: Uint8Array): boolean {
  return ARMOUR.every((byte, at) => line[at] === byte);
}
