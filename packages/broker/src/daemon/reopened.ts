import { HaspError, type Reference, type SecretValue } from '@hasp/core';
import type { Vault } from '@hasp/vault';
import type { Reopened } from '../broker.ts';
import { type Allowed, openOne } from '../decision.ts';
import { RecordTexts } from '../record-texts.ts';

/** A text that can't be shown to be clean. */
const UNSHOWN = '[hidden]';

/**
 * What runs were granted, out of the vault each time it is needed: a broker holds no value between two fetches, and
 * a locked one has none to give.
 * @param use the vault, for what somebody asks for @param peek the same, where nobody does
 */
export function reopenedFrom(use: () => Vault, peek: () => Vault): Reopened {
  return {
    asked: (granted) =>
      granted.map(({ grant, ...allowed }) => ({ grant, value: { reveal: () => open(use(), referenceOf(allowed)) } })),
    mask: (granted) => {
      const references = granted.map(referenceOf);
      return (text) => mask(text, references, peek);
    },
  };
}

/** What is made of it is made in this turn. @throws HaspError E_GRANT_MISSING where it was removed at this moment */
function open(vault: Vault, reference: Reference): Uint8Array {
  const opened = openOne(reference, vault);
  if (opened === undefined) throw new HaspError('E_GRANT_MISSING', 'the secret is not in the vault any more');
  setImmediate(() => opened.value.wipe());
  return opened.value.reveal();
}

function mask(text: string, references: readonly Reference[], peek: () => Vault): string {
  const opened: SecretValue[] = [];
  let texts: RecordTexts | undefined;
  try {
    const vault = peek();
    const named = references.map((reference) => {
      const found = openOne(reference, vault);
      if (found === undefined) throw new HaspError('E_SECRET_MISSING', 'removed');
      opened.push(found.value);
      return { name: reference.name, bytes: found.value.reveal() };
    });
    texts = new RecordTexts(named);
    return texts.text(text);
  } catch (error) {
    if (error instanceof HaspError) return UNSHOWN;
    throw error;
  } finally {
    texts?.wipe();
    for (const value of opened) value.wipe();
  }
}

function referenceOf({ binding, version }: Pick<Allowed, 'binding' | 'version'>): Reference {
  return { name: binding.reference.name, version };
}
