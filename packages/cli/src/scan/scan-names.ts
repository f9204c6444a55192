import type { BytePath } from './byte-path.ts';
import type { Tally } from './tally.ts';

const MANY = 512;

/** Looks for values in paths, many at a time: a value may well go over a "/". */
export interface NameScan {
  add(path: BytePath): void;
  end(): void;
}

export function makeNameScan(tally: Tally): NameScan {
  /** The part of a path up to where a value ends, so that a folder is told of once. */
  const told = new Set<string>();
  let paths: BytePath[] = [];

  function look(): void {
    const search = tally.finder.search();
    search.feed(Buffer.from(paths.join('\0'), 'latin1'), true);
    if (search.end().length > 0) for (const path of paths) lookInto(path);
    paths = [];
  }

  function lookInto(path: BytePath): void {
    const search = tally.finder.search();
    search.feed(Buffer.from(path, 'latin1'), true);
    for (const { name: secret, spelling, start, end } of search.end()) {
      const slash = path.indexOf('/', end);
      const part = slash < 0 ? path : path.slice(0, slash);
      const key = `${secret}\0${part}`;
      if (told.has(key)) continue;
      told.add(key);
      tally.find({ secret, spelling, path: tally.show(part), offset: start, where: 'name' });
    }
  }

  return {
    add(path) {
      if (paths.push(path) === MANY) look();
    },
    end: look,
  };
}
