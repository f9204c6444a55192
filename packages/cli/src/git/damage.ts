/** The name of an object, but not within the path of a file. */
const OBJECT = /(?<![-./0-9a-z])(?:[0-9a-f]{64}|[0-9a-f]{40})(?![.0-9a-z])/;
const WORDS = [
  'inflate: ',
  'unable to (?:unpack|stream|mmap|parse) ',
  'corrupt ',
  'garbage at end of ',
  'hash mismatch ',
  'bad object header$',
  'invalid object type',
  'object file .* is empty$',
  '(?:loose|packed) object .* is corrupt',
  '(?:packfile|index file) ',
];
const DAMAGE = new RegExp(`^(?:error|fatal): (?:${WORDS.join('|')})`, 'm');

export const MEND = 'see what is damaged: git fsck --full; then mend it from another clone or a backup';

/** Undefined where git speaks of no damage; else what is damaged, by its name where git gives it. */
export function damageIn(said: string): string | undefined {
  if (!DAMAGE.test(said)) return undefined;
  const oid = OBJECT.exec(said)?.[0];
  return oid === undefined ? 'an object of this repository' : `object ${oid}`;
}
