import { HaspError } from '@hasp/core';
import type { Finder, Search } from '@hasp/match';
import { count, object, text } from '../link/fields.ts';
import type { LookFacts, LookMatches } from '../link/look-message.ts';

/** An answer; `bytes` follow it. */
export interface Looked {
  readonly ok: LookFacts | LookMatches | object;
  readonly bytes?: Uint8Array;
}

const MAX_SEARCHES = 1_000;

/** Looks for values in what one line sends: who sends it is told where they are, and never what they are. */
export class Looking {
  readonly #open: (more: { name: string; bytes: Uint8Array } | undefined) => Finder;
  readonly #searches = new Map<number, Search>();
  #finder: Finder | undefined;

  /** @param open is called at the first question */
  constructor(open: (more: { name: string; bytes: Uint8Array } | undefined) => Finder) {
    this.#open = open;
  }

  /** Undefined where nothing is to be answered. @throws HaspError E_USAGE, E_VAULT_LOCKED */
  take(message: unknown, bytes: Buffer): Looked | undefined {
    const look = object(message, 'look');
    if ('feed' in look) return this.#feed(count(look['feed'], 'feed'), bytes, look['isLast'] === true);
    if ('end' in look) return { ok: { matches: this.#end(count(look['end'], 'end')) } };
    if ('mask' in look) return { ok: {}, bytes: this.#found().maskBytes(bytes) };
    if (this.#finder !== undefined) throw new HaspError('E_USAGE', 'this line looks already');
    const more = look['more'] === undefined ? undefined : { name: text(look['more'], 'more'), bytes };
    this.#finder = this.#open(more);
    return { ok: { isEmpty: this.#finder.isEmpty, unwatched: this.#finder.unwatched() } };
  }

  wipe(): void {
    this.#searches.clear();
    this.#finder?.wipe();
    this.#finder = undefined;
  }

  #found(): Finder {
    if (this.#finder === undefined) throw new HaspError('E_USAGE', 'this line does not look yet');
    return this.#finder;
  }

  #feed(id: number, piece: Buffer, isLast: boolean): undefined {
    let search = this.#searches.get(id);
    if (search === undefined) {
      if (this.#searches.size >= MAX_SEARCHES) throw new HaspError('E_USAGE', 'too many searches at once');
      search = this.#found().search();
      this.#searches.set(id, search);
    }
    search.feed(piece, isLast);
  }

  #end(id: number): LookMatches['matches'] {
    const search = this.#searches.get(id);
    this.#searches.delete(id);
    return search?.end() ?? [];
  }
}
