import { type FSWatcher, unwatchFile, watch, watchFile } from 'node:fs';
import path from 'node:path';

const QUIET_MS = 100;
const POLL_MS = 1_000;

/**
 * Calls back when a file was changed, replaced, made or removed, once it has been quiet for a moment: editors
 * write in steps. Keeps no process alive.
 */
export class WatchedFile {
  readonly #file: string;
  readonly #changed: () => void;
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(file: string, changed: () => void) {
    this.#file = file;
    this.#changed = changed;
    this.#arm();
  }

  close(): void {
    this.#closed = true;
    this.#watcher?.close();
    clearTimeout(this.#timer);
    unwatchFile(this.#file, this.#heard);
  }

  /** The file itself, so that nothing beside it wakes us; or its folder, until it is there. */
  #arm(): void {
    this.#watcher?.close();
    this.#watcher = this.#watch(this.#file) ?? this.#watch(path.dirname(this.#file));
    // The kernel has no watch left, or the folder is gone.
    if (this.#watcher === undefined) watchFile(this.#file, { interval: POLL_MS, persistent: false }, this.#heard);
    else unwatchFile(this.#file, this.#heard);
  }

  #watch(place: string): FSWatcher | undefined {
    const name = path.basename(this.#file);
    try {
      const watcher = watch(place, { persistent: false }, (_, changed) => {
        if (changed === null || changed === name) this.#heard();
      });
      return watcher.on('error', this.#heard);
    } catch {
      return undefined;
    }
  }

  readonly #heard = (): void => {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      // It may be another file by now. Watched first, then read: no change falls between.
      this.#arm();
      this.#changed();
    }, QUIET_MS).unref();
  };
}
