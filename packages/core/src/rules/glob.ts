/**
 * Whether the whole text is what the pattern says: `*` is any characters or none, `?` is one, all others
 * are themselves, in their case. At worst the time is that of pattern times text.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  let at = 0;
  let inPattern = 0;
  /** Behind the last `*` in the pattern, and where in the text that star ends for now. */
  let behindStar = -1;
  let starEnd = 0;
  while (at < text.length) {
    if (pattern[inPattern] === '*') {
      inPattern += 1;
      behindStar = inPattern;
      starEnd = at;
    } else if (pattern[inPattern] === '?') {
      inPattern += 1;
      at += widthAt(text, at);
    } else if (inPattern < pattern.length && pattern[inPattern] === text[at]) {
      inPattern += 1;
      at += 1;
    } else if (behindStar >= 0) {
      // Only the last star has to grow: what an earlier one could reach, this one can.
      starEnd += widthAt(text, starEnd);
      inPattern = behindStar;
      at = starEnd;
    } else return false;
  }
  while (pattern[inPattern] === '*') inPattern += 1;
  return inPattern === pattern.length;
}

/** A character outside the BMP takes two UTF-16 units. */
function widthAt(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}
