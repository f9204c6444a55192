import { HaspError } from '@hasp/core';
import { type Matcher, makeAnsiRedactor, makeMatcher, type NamedValue, type Redactor, wipeMatcher } from '@hasp/match';
import type { Vault } from '@hasp/vault';
import { managedMatcher } from './managed-matcher.ts';

/** A value that a run has, whatever becomes of it in the vault. */
export interface GrantedValue extends NamedValue {
  readonly version: number;
  /** It is not masked. */
  readonly placeholder: boolean;
  /** Of the vault, when it was opened. */
  readonly state: Uint8Array;
}

/**
 * What hides every value that hasp manages in streams of bytes. The values stay in here: whoever has this
 * can have bytes masked, and that is all.
 */
export class Redaction {
  readonly #vault: Vault;
  readonly #build: string | undefined;
  readonly #granted: readonly GrantedValue[];
  #matcher: Matcher | undefined;

  /** @param granted stay their owner's */
  constructor(vault: Vault, build: string | undefined, granted: readonly GrantedValue[] = []) {
    this.#vault = vault;
    this.#build = build;
    this.#granted = granted.filter(({ placeholder }) => !placeholder);
  }

  /**
   * For one stream. The first call opens every version of every secret: not before there is a byte to mask.
   * @throws HaspError E_STORAGE, E_VAULT_CORRUPT: then nothing may be shown
   */
  redactor(): Redactor {
    this.#matcher ??= this.#makeMatcher();
    return makeAnsiRedactor(this.#matcher, () => this.#matcher === undefined);
  }

  /** After the last stream has ended; what comes in spite of that is not shown. */
  wipe(): void {
    if (this.#matcher) wipeMatcher(this.#matcher);
    this.#matcher = undefined;
  }

  #makeMatcher(): Matcher {
    const state = this.#vault.state();
    const managed = this.#granted.every((value) => state.equals(value.state) || this.#isManaged(value))
      ? managedMatcher(this.#vault, this.#build)
      : this.#withGranted();
    return { ...managed, names: managed.names.map((names) => names.map(withoutVersion)) };
  }

  /** The vault still has it. */
  #isManaged({ name, version, bytes }: GrantedValue): boolean {
    try {
      const { value } = this.#vault.get({ name, version });
      const isSame = Buffer.compare(value.reveal(), bytes) === 0;
      value.wipe();
      return isSame;
    } catch (error) {
      if (error instanceof HaspError && error.code === 'E_SECRET_MISSING') return false;
      throw error;
    }
  }

  #withGranted(): Matcher {
    const managed = this.#vault.everyValue();
    try {
      return makeMatcher([...this.#granted, ...managed.map(({ name, value }) => ({ name, bytes: value.reveal() }))]);
    } finally {
      for (const { value } of managed) value.wipe();
    }
  }
}

function withoutVersion(name: string): string {
  return name.replace(/@[0-9]+$/, '');
}
