import { expect, it } from 'vitest';
import { spellingsOf } from './spellings.ts';

const spell = (value: string): string[] => spellingsOf(Buffer.from(value)).map((each) => Buffer.from(each).toString());

it('a value of under seven bytes has no spelling to look for', () => {
  expect(spell('sixsix')).toEqual([]);
  expect(spell('sixsix\n')).toEqual([]);
  expect(spell('seven77')).toEqual(['seven77']);
});

it('a final newline is not needed to be found', () => {
  expect(spell('hunter2hunter2\r\n')).toEqual(['hunter2hunter2']);
});

it('a multi-line value is also known by each line of sixteen bytes or more, but for armour', () => {
  expect(spell('-----BEGIN X-----\r\n0123456789abcdef\r\nshort\r\n-----END X-----\n')).toEqual([
    '-----BEGIN X-----\r\n0123456789abcdef\r\nshort\r\n-----END X-----',
    '0123456789abcdef',
  ]);
});
