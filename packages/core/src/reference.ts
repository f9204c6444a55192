import { HaspError } from './errors.ts';

/** A secret as a command, a manifest or an agent names it: `hasp://db/url`, `hasp://db/url@3`. */
export interface Reference {
  readonly name: string;
  /** Absent: the newest version. */
  readonly version?: number;
}

const SCHEME = 'hasp://';
const MAX_NAME_BYTES = 255;
const PART = /^[A-Za-z_][A-Za-z0-9_.-]*$/;
const VERSION = /^[1-9][0-9]{0,8}$/;

export function isName(text: string): boolean {
  return text.length <= MAX_NAME_BYTES && text.split('/').every((part) => PART.test(part));
}

/** @throws HaspError E_NAME_INVALID; the text is not repeated, since a value may have been pasted. */
export function parseName(text: string): string {
  if (isName(text)) return text;
  throw new HaspError(
    'E_NAME_INVALID',
    'not a valid secret name',
    'use letters, digits, "_", "." or "-" with "/" between parts, for example db/url',
  );
}

/** `NAME` or `NAME@N`. @throws HaspError E_NAME_INVALID or E_REFERENCE_INVALID */
export function parseVersionedName(text: string): Reference {
  const at = text.indexOf('@');
  if (at < 0) return { name: parseName(text) };
  const version = text.slice(at + 1);
  if (!VERSION.test(version)) {
    throw new HaspError('E_REFERENCE_INVALID', 'not a valid version', 'versions count from 1: db/url@3');
  }
  return { name: parseName(text.slice(0, at)), version: Number(version) };
}

export function isReference(text: string): boolean {
  return text.startsWith(SCHEME);
}

/** @throws HaspError E_REFERENCE_INVALID */
export function parseReference(text: string): Reference {
  if (isReference(text)) {
    try {
      return parseVersionedName(text.slice(SCHEME.length));
    } catch {
      // Fall through: one message for every shape that is not a reference.
    }
  }
  throw new HaspError(
    'E_REFERENCE_INVALID',
    'not a valid reference',
    'a reference is hasp://NAME or hasp://NAME@VERSION, for example hasp://db/url',
  );
}

export function formatReference(reference: Reference): string {
  return SCHEME + formatVersionedName(reference);
}

export function formatVersionedName(reference: Reference): string {
  return reference.version === undefined ? reference.name : `${reference.name}@${reference.version}`;
}
