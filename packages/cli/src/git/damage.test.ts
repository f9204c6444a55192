import { describe, expect, it } from 'vitest';
import { damageIn } from './damage.ts';

const OID = '12b81c0f407e8aabbddcdc36def8b7297c9b915a';

describe('what git says of an object', () => {
  it.each([
    `error: inflate: data stream error (incorrect header check)\nerror: unable to unpack ${OID} header\n`,
    `fatal: unable to stream ${OID} to stdout\n`,
    `error: corrupt loose object '${OID}'\n`,
    `fatal: loose object ${OID} (stored in .git/objects/12/${OID.slice(2)}) is corrupt\n`,
    `fatal: packed object ${OID} (stored in /x/pack-${OID.replace('1', '9')}.pack) is corrupt\n`,
  ])('names the one that is damaged: %j', (said) => expect(damageIn(said)).toBe(`object ${OID}`));

  it.each([
    `error: object file .git/objects/12/${OID.slice(2)} is empty\n`,
    `error: packfile .git/objects/pack/pack-${OID}.pack does not match index\n`,
    `error: index file .git/objects/pack/pack-${OID}.idx is too small\n`,
    'fatal: invalid object type\n',
  ])('tells of damage without its name: %j', (said) => expect(damageIn(said)).toBe('an object of this repository'));

  it.each([
    '',
    `fatal: could not fetch ${OID} from promisor remote\n`,
    'fatal: git cat-file: could not get object info\n',
    "fatal: ambiguous argument 'corrupt': unknown revision\n",
    'fatal: bad object refs/heads/main\n',
  ])('tells of no damage: %j', (said) => expect(damageIn(said)).toBeUndefined());
});
