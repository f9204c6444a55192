/** Numbers that look random and come again with the same seed (mulberry32). */
function makeRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export class Fuzz {
  readonly random: () => number;

  constructor(seed: number) {
    this.random = makeRandom(seed);
  }

  chance(of: number): boolean {
    return this.random() < of;
  }

  below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  /** A text that programs stumble over. */
  text(): string {
    return this.pick([
      '',
      ' ',
      'a'.repeat(this.below(600)),
      '../../etc/passwd',
      'hasp://',
      'hasp://ALLOWED@0',
      'ALLOWED@99999999999',
      '__proto__',
      'constructor',
      '\u0000',
      '\ud800',
      '\u202e\u2028',
      '"}{"',
      "'; DROP TABLE summary; --",
      '{{7*7}}',
      '%00%2e%2e',
      'é'.repeat(this.below(200)),
      String.fromCodePoint(...Array.from({ length: 1 + this.below(20) }, () => 1 + this.below(0xd7ff))),
    ]);
  }

  /** Any document of JSON, as text: also such as no writer of JSON makes. */
  json(depth = 0): string {
    if (depth > 3) return this.pick(['0', 'null', '""']);
    switch (this.below(10)) {
      case 0:
        return this.pick(['1e999', '-0', '9007199254740993', '1.5', '01', '+1', '.5', 'NaN', 'Infinity']);
      case 1:
        return this.pick(['true', 'false', 'null', 'undefined', 'TRUE']);
      case 2:
        return `[${Array.from({ length: this.below(4) }, () => this.json(depth + 1)).join(',')}]`;
      case 3:
      case 4:
        return `{${Array.from({ length: this.below(4) }, () => `${JSON.stringify(this.text())}:${this.json(depth + 1)}`).join(',')}}`;
      default:
        return JSON.stringify(this.text());
    }
  }
}
