/** What was found of one entry. Whoever asked for it wipes `text`. */
export type Found =
  | { readonly state: 'found'; readonly text: Buffer }
  | { readonly state: 'missing' }
  | Locked
  | Unreachable;

/** It would have to ask a person, or has asked in vain. */
export interface Locked {
  readonly state: 'locked';
}

export interface Unreachable {
  readonly state: 'unreachable';
  readonly why: string;
  /** What to do about it. */
  readonly hint: string;
}

/** Undefined where it was done, as far as the keyring says: whoever stores looks afterwards. */
export type Failure = Locked | Unreachable | undefined;

/** How long it may take to answer: for a person who is asked, without end. */
export type Patience = 'short' | 'a person';

/** The operating system's keyring: short texts, each under the name of an account of ours. */
export interface Keyring {
  look(account: string, patience: Patience): Promise<Found>;
  /** In place of what is there. */
  store(account: string, label: string, text: Buffer, patience: Patience): Promise<Failure>;
  remove(account: string): Promise<Failure>;
}

/** Of all entries that hasp makes. */
export const SERVICE = 'hasp';
