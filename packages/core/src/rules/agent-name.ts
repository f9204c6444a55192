import { HaspError } from '../errors.ts';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export function isAgentName(text: string): boolean {
  return NAME.test(text);
}

/** @throws HaspError E_NAME_INVALID; the text is not repeated, since a token may have been pasted. */
export function parseAgentName(text: string): string {
  if (isAgentName(text)) return text;
  throw new HaspError(
    'E_NAME_INVALID',
    'not a valid name for an agent',
    'up to 64 letters, digits, ".", "_" or "-", for example scan-01',
  );
}
