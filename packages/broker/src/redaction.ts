import { type Matcher, makeMatcher, makeRedactor, type NamedValue, type Redactor, wipeMatcher } from '@hasp/match';
import type { Vault } from '@hasp/vault';

const NOTHING = new Uint8Array(0);

/**
 * What hides every value that hasp manages in streams of bytes. The values stay in here: whoever has this
 * can have bytes masked, and that is all.
 */
export class Redaction {
  readonly #vault: Vault;
  readonly #granted: readonly NamedValue[];
  #matcher: Matcher | undefined;

  /** @param granted masked too, whatever becomes of them in the vault; they stay their owner's */
  constructor(vault: Vault, granted: readonly NamedValue[] = []) {
    this.#vault = vault;
    this.#granted = granted;
  }

  /**
   * For one stream. The first call opens every version of every secret: not before there is a byte to mask.
   * @throws HaspError E_STORAGE, E_VAULT_CORRUPT: then nothing may be shown
   */
  redactor(): Redactor {
    this.#matcher ??= this.#makeMatcher();
    const redactor = makeRedactor(this.#matcher);
    const unlessWiped = (deed: () => Uint8Array): Uint8Array => (this.#matcher === undefined ? NOTHING : deed());
    return {
      push: (chunk) => unlessWiped(() => redactor.push(chunk)),
      idle: () => unlessWiped(() => redactor.idle()),
      end: () => unlessWiped(() => redactor.end()),
    };
  }

  /** After the last stream has ended; what comes in spite of that is not shown. */
  wipe(): void {
    if (this.#matcher) wipeMatcher(this.#matcher);
    this.#matcher = undefined;
  }

  #makeMatcher(): Matcher {
    const managed = this.#vault.everyValue();
    try {
      return makeMatcher([...this.#granted, ...managed.map(({ name, value }) => ({ name, bytes: value.reveal() }))]);
    } finally {
      for (const { value } of managed) value.wipe();
    }
  }
}
