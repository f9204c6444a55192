import { HaspError } from '@hasp/core';
import type { Policy } from '@hasp/core/rules';
import { type LoadedPolicy, type PolicyPlace, readPolicy } from './policy-bytes.ts';
import { WatchedFile } from './watched-file.ts';

export interface PolicySourceParts extends PolicyPlace {
  /** New rules are in force; undefined: the file is gone, and there are none. */
  readonly onLoaded: (loaded: LoadedPolicy | undefined) => void;
  /** The file can't be used; what was in force still is. Once for each state of the file. */
  readonly onRejected: (error: HaspError) => void;
}

const NONE: Policy = { rules: [] };

/** The rules in force: those of the last good state of their file, which is watched. */
export class PolicySource {
  readonly #parts: PolicySourceParts;
  readonly #watched: WatchedFile;
  #loaded: LoadedPolicy | undefined;
  #rejected: string | undefined;

  /** Reads the file; there may be none, unless it was named. @throws HaspError E_POLICY_INVALID, E_HOME_UNSAFE */
  constructor(parts: PolicySourceParts) {
    this.#parts = parts;
    this.#watched = new WatchedFile(parts.file, () => this.reload());
    try {
      this.#loaded = readPolicy(parts);
    } catch (error) {
      this.close();
      throw error;
    }
    parts.onLoaded(this.#loaded);
  }

  get policy(): Policy {
    return this.#loaded?.policy ?? NONE;
  }

  /** Of the file in force, hex; undefined where there is none. */
  get sha256(): string | undefined {
    return this.#loaded?.sha256;
  }

  /** Takes the file as it is now: all of it, or nothing of it. Returns why not. */
  reload(): HaspError | undefined {
    let loaded: LoadedPolicy | undefined;
    try {
      loaded = readPolicy(this.#parts);
    } catch (error) {
      if (!(error instanceof HaspError)) throw error;
      if (this.#rejected !== error.message) this.#parts.onRejected(error);
      this.#rejected = error.message;
      return error;
    }
    this.#rejected = undefined;
    if (loaded?.sha256 === this.#loaded?.sha256) return undefined;
    this.#loaded = loaded;
    this.#parts.onLoaded(loaded);
    return undefined;
  }

  close(): void {
    this.#watched.close();
  }
}
