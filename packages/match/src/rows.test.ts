import fc from 'fast-check';
import { expect, it } from 'vitest';
import { columnOf, hasRow, makeRows, rowsOf } from './rows.ts';

it('rows are found by their key, all of them, and no others', () => {
  const row = fc.tuple(fc.nat(30), fc.nat(), fc.nat());
  fc.assert(
    fc.property(fc.array(row, { maxLength: 60 }), fc.nat(30), (all, key) => {
      const rows = makeRows(3, [...all]);
      const expected = all.filter(([one]) => one === key).map(([, ...rest]) => rest);
      expect(rowsOf(rows, key).map((found) => [...found])).toEqual(expected);
      expect(hasRow(rows, key)).toBe(expected.length > 0);
      expect([...columnOf(rows, 2)].sort()).toEqual(all.map(([, , last]) => last).sort());
    }),
  );
});
