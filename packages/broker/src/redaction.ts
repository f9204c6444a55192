import { type Matcher, makeMatcher, makeRedactor, type NamedValue, type Redactor } from '@hasp/match';
import type { Vault } from '@hasp/vault';

/**
 * What hides every value that hasp manages in streams of bytes. The values stay in here: whoever has this
 * can have bytes masked, and that is all.
 */
export class Redaction {
  readonly #vault: Vault;
  readonly #granted: readonly NamedValue[];
  readonly #opened: { wipe(): void }[] = [];
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
    return makeRedactor(this.#matcher);
  }

  /** After the last stream has ended. */
  wipe(): void {
    for (const value of this.#opened.splice(0)) value.wipe();
    this.#matcher = undefined;
  }

  #makeMatcher(): Matcher {
    const managed = this.#vault.everyValue();
    this.#opened.push(...managed.map(({ value }) => value));
    return makeMatcher([...this.#granted, ...managed.map(({ name, value }) => ({ name, bytes: value.reveal() }))]);
  }
}
