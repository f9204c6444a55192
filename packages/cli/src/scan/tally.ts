import type { Finder } from '@hasp/match';
import type { ObjectScan } from '../git/index.ts';
import { type BytePath, showPath } from './byte-path.ts';
import type { ContentReport, ContentSkip } from './content.ts';
import type { Finding, ScanReport, Skipped, Where } from './finding.ts';

/** What a scan has come upon so far. */
export class Tally {
  readonly finder: Finder;
  readonly #findings: Finding[] = [];
  readonly #skipped: Skipped[] = [];
  #isWhole = true;
  files = 0;
  bytes = 0;
  objects = 0;

  constructor(finder: Finder) {
    this.finder = finder;
  }

  /** Takes what was found in one content. */
  content(path: BytePath | undefined, where: Where, { findings, skipped }: ContentReport): void {
    for (const { secret, inside, ...place } of findings) {
      this.find({ ...place, secret, where, ...this.#shown(path, inside) });
    }
    for (const part of skipped) this.#skipPart(this.#shown(path, part.inside).path ?? 'stdin', part);
  }

  /** Takes what was found in a repository. */
  repository({ leaks, skipped, counted }: ObjectScan): void {
    this.objects += counted.objects;
    this.bytes += counted.bytes;
    for (const leak of leaks) this.find(leak);
    for (const { oid, path, what } of skipped) {
      const name = path === undefined ? oid : path.toString('latin1');
      this.#skipPart(this.#shown(name, what.inside).path ?? oid, what);
    }
  }

  /** The path as it can be shown. */
  find({ secret, spelling, path, ...place }: Finding): void {
    this.#findings.push({ secret, spelling, ...(path === undefined ? {} : { path }), ...place });
  }

  /** Something that could hold a value was not looked into. */
  skip(path: BytePath, why: string): void {
    this.#skipped.push({ path: this.show(path), why });
    this.#isWhole = false;
  }

  /** Something that holds nothing: a pipe, a socket, a device. */
  leaveOut(path: BytePath, why: string): void {
    this.#skipped.push({ path: this.show(path), why });
  }

  show(path: BytePath): string {
    return showPath(path, this.finder);
  }

  report(): ScanReport {
    return {
      findings: [...this.#findings].sort(inOrder),
      scanned: { files: this.files, bytes: this.bytes, objects: this.objects },
      skipped: [...this.#skipped].sort((a, b) => compare(a.path, b.path)),
      isWhole: this.#isWhole,
    };
  }

  #skipPart(path: string, { why, count }: ContentSkip): void {
    this.#skipped.push({ path, why: count === 1 ? why : `${why} (and ${count - 1} more of its parts)` });
    this.#isWhole = false;
  }

  #shown(path: BytePath | undefined, inside: string | undefined): { path?: string } {
    const parts = [path, inside && Buffer.from(inside).toString('latin1')].filter((part) => part !== undefined);
    return parts.length === 0 ? {} : { path: this.show(parts.join('!/')) };
  }
}

function inOrder(a: Finding, b: Finding): number {
  return compare(a.path ?? '', b.path ?? '') || a.offset - b.offset || compare(a.secret, b.secret);
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
