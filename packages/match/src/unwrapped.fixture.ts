/**
 * A text without the line breaks of what was encoded in lines, and where each character of that stood.
 * @param escapes whether they count, too
 */
export function unwrapSlowly(
  stream: string,
  isBroken = (_before: string): boolean => true,
  escapes = true,
): { text: string; places: number[] } {
  const isBreak = new Set<number>();
  const escaped: number[] = [];
  for (const { index, 0: broken } of stream.matchAll(
    /(?<=[A-Za-z0-9+/_-]{60})(?:[\r\n]|\\[nrt]?)(?:[\r\n\t ]|\\[nrt]?)*/g,
  )) {
    // The letter of an escape is none of the digits behind it.
    const isShort = Array.from({ length: 60 }, (_, at) => index - 1 - at).some((at) => isBreak.has(at));
    if (isShort || !isBroken(stream.slice(index - 60, index))) continue;
    for (let at = index; at < index + Math.min(broken.length, 64); at += 1) isBreak.add(at);
  }
  if (!escapes) {
    let isEscaped = false;
    for (const at of [...isBreak].sort((a, b) => a - b)) {
      if (!isBreak.has(at - 1)) isEscaped = false;
      isEscaped ||= stream[at] === '\\';
      if (isEscaped) escaped.push(at);
    }
    for (const at of escaped) isBreak.delete(at);
  }
  const places = Array.from(stream, (_, at) => at).filter((at) => !isBreak.has(at));
  return { text: places.map((at) => stream[at]).join(''), places };
}

export const WIDTHS = [59, 60, 61, 64, 76, 300] as const;
export const LINE_ENDS = [
  '\n',
  '\r\n',
  '\n  ',
  '\n\t\n',
  `\n${' '.repeat(64)}`,
  '\\n',
  '\\\\r\\\\n',
  '\\n  ',
  '\n\\x',
  `\n${'\\n'.repeat(40)}`,
  '\\x',
] as const;

export function wrap([digits, width, lineEnd]: [digits: string, width: number, lineEnd: string]): string {
  return (digits.match(new RegExp(`[^]{1,${width}}`, 'g')) ?? []).join(lineEnd);
}
