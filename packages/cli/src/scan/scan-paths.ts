import { lstatSync, realpathSync, statSync } from 'node:fs';
import { type BytePath, bytePath, joinPath, systemPath } from './byte-path.ts';
import { type Entry, kindOf, listFolder } from './list-folder.ts';
import type { ListedFiles } from './listed-files.ts';
import { codeOf, type FileScan, makeFileScan, scanLink, whyNot } from './scan-file.ts';
import type { Pointing } from './scan-large-files.ts';
import { makeNameScan, type NameScan } from './scan-names.ts';
import type { Tally } from './tally.ts';

export interface PathScanOptions {
  /** Also what git ignores, and `.git` but for its objects. */
  readonly all: boolean;
  /** hasp's own folder, which is left out. */
  readonly home: string;
  /**
   * The files that git knows or would add, from the folder on. Undefined where the folder is in no repository, or is
   * ignored in it.
   */
  readonly listed: (folder: BytePath) => Promise<ListedFiles | undefined>;
  /** Met a file that stands for another one. */
  readonly pointing: (file: Pointing) => void;
  readonly progress: (files: number) => void;
}

/** Looks into files, links, and all that is below folders. What is given by name is followed if it is a link. */
export async function scanPaths(paths: readonly BytePath[], tally: Tally, options: PathScanOptions): Promise<void> {
  const scan = new PathScan(tally, options);
  for (const path of paths) await scan.given(path);
  scan.end();
}

/** One scan of the file system; open until its names are looked into. */
class PathScan {
  readonly #tally: Tally;
  readonly #options: PathScanOptions;
  readonly #scanFile: FileScan;
  readonly #names: NameScan;
  readonly #home: BytePath;
  /** Folders of which git, or the person, said that they are to be looked into; each is so once. */
  readonly #roots = new Set<BytePath>();
  #folders: BytePath[] = [];

  constructor(tally: Tally, options: PathScanOptions) {
    this.#tally = tally;
    this.#options = options;
    this.#scanFile = makeFileScan(tally, options.pointing);
    this.#names = makeNameScan(tally);
    this.#home = realPath(bytePath(options.home)) ?? bytePath(options.home);
  }

  async given(path: BytePath): Promise<void> {
    const real = realPath(path);
    if (real !== undefined && this.#isInHome(real)) {
      this.#tally.skip(path, 'is hasp’s own, which is not scanned');
      return;
    }
    if (path !== '' && lstatSync(systemPath(path)).isSymbolicLink()) {
      this.#names.add(path);
      scanLink(path, this.#tally);
      if (real === undefined) {
        this.#tally.skip(path, 'is a link that leads nowhere');
        return;
      }
    }
    const kind = kindOf(statSync(systemPath(path || '.')));
    if (kind === 'folder') {
      this.#folders.push(path);
      this.#roots.add(path);
      await this.#walk();
    } else if (kind === 'file') {
      this.#names.add(path);
      this.#scanFile(path, true);
    } else {
      this.#tally.skip(path, `is a ${kind}, which is not read: give it to --stdin`);
    }
  }

  end(): void {
    this.#names.end();
  }

  async #walk(): Promise<void> {
    for (let folder = this.#folders.pop(); folder !== undefined; folder = this.#folders.pop()) {
      let entries: Entry[];
      try {
        entries = listFolder(folder);
      } catch (error) {
        const code = codeOf(error);
        if (code !== 'ENOENT' && code !== 'ENOTDIR') this.#tally.skip(folder, whyNot(code));
        continue;
      }
      const isAsked = this.#roots.has(folder) || entries.some(({ name }) => name === '.git');
      const listed = isAsked && !this.#options.all ? await this.#options.listed(folder) : undefined;
      if (listed === undefined) for (const entry of entries) this.#entry(folder, entry);
      else this.#listed(folder, listed);
    }
  }

  #entry(folder: BytePath, { name, kind }: Entry): void {
    const path = joinPath(folder, name);
    if (kind === 'file') {
      if (name !== '.git' || this.#options.all) this.#file(path);
    } else if (kind === 'folder') {
      if (this.#isWalked(folder, name, path)) {
        this.#names.add(path);
        this.#folders.push(path);
      }
    } else if (kind === 'link') {
      this.#file(path);
    } else {
      this.#names.add(path);
      this.#tally.leaveOut(path, `is a ${kind}`);
    }
  }

  #isWalked(folder: BytePath, name: BytePath, path: BytePath): boolean {
    if (name === '.git') return this.#options.all;
    // What git packs is not to be read as it lies: --history reads it.
    if (name === 'objects' && (folder === '.git' || folder.endsWith('/.git'))) return false;
    return !this.#home.endsWith(`/${name}`) || realPath(path) !== this.#home;
  }

  #listed(folder: BytePath, { files, isWhole }: ListedFiles): void {
    if (!isWhole)
      this.#tally.skip(
        folder === '' ? '.' : folder,
        'may have files that git could not list: see what git status warns of',
      );
    const real = realPath(folder) ?? folder;
    const mayHoldHome = this.#isInFolder(this.#home, real);
    let last: BytePath | undefined;
    for (const file of files) {
      // In a merge git lists a file once for each side.
      if (file === last) continue;
      last = file;
      if (mayHoldHome && this.#isInHome(joinPath(real, file))) continue;
      if (file.endsWith('/')) this.#root(joinPath(folder, file.slice(0, -1)));
      else this.#file(joinPath(folder, file));
    }
  }

  #file(path: BytePath): void {
    this.#names.add(path);
    // A submodule.
    if (this.#scanFile(path) === 'folder') this.#root(path);
    if ((this.#tally.files & 0xff) === 0) this.#options.progress(this.#tally.files);
  }

  #root(path: BytePath): void {
    if (this.#roots.has(path)) return;
    this.#roots.add(path);
    this.#folders.push(path);
  }

  #isInHome(real: BytePath): boolean {
    return real === this.#home || this.#isInFolder(real, this.#home);
  }

  #isInFolder(path: BytePath, folder: BytePath): boolean {
    return path.startsWith(folder === '/' ? folder : `${folder}/`);
  }
}

function realPath(path: BytePath): BytePath | undefined {
  try {
    return realpathSync.native(systemPath(path || '.'), { encoding: 'latin1' });
  } catch {
    return undefined;
  }
}
