import { describe, expect, it } from 'vitest';
import { keychain } from './keychain.ts';
import type { RunTool, ToolEnd, ToolUse } from './tool.ts';

// The Mac is played: what is known of security(1) is its page and its exit statuses.

const KEY = Buffer.from('0123456789abcdef'.repeat(4));

function played(end: Partial<ToolEnd>): { run: RunTool; uses: (ToolUse & { typed: string })[] } {
  const uses: (ToolUse & { typed: string })[] = [];
  const run: RunTool = async (_command, use) => {
    uses.push({ ...use, typed: use.line?.toString() ?? '' });
    return { status: 0, stdout: Buffer.alloc(0), complaint: '', isLate: false, ...end };
  };
  return { run, uses };
}

const given = new Map([
  ['HOME', '/Users/me'],
  ['DYLD_INSERT_LIBRARIES', '/evil'],
]);

describe('the keychain', () => {
  it('is given the key on stdin, as one line, and never as an argument', async () => {
    const { run, uses } = played({});
    const label = 'hasp vault key (/Users/m"e\n$(touch x)`)';
    expect(await keychain(given, run).store('ab12', label, Buffer.from(KEY), 'short')).toBeUndefined();
    expect(uses).toMatchObject([{ argv: ['-i'], environment: { HOME: '/Users/me' } }]);
    expect(JSON.stringify([uses[0]?.argv, uses[0]?.environment])).not.toContain(KEY.toString());
    expect(uses[0]?.typed).toBe(
      `add-generic-password -U -s hasp -a ab12 -l "hasp vault key (/Users/m_e__(touch x)_)" -w ${KEY}`,
    );
    expect(uses[0]?.environment).not.toHaveProperty('DYLD_INSERT_LIBRARIES');
  });

  it('says what is there, what is not, and what would have to be asked for', async () => {
    const look = (end: Partial<ToolEnd>) => keychain(given, played(end).run).look('ab12', 'short');
    expect(await look({ stdout: Buffer.from(`${KEY}\n`) })).toMatchObject({ state: 'found' });
    expect(await look({ status: 44 })).toEqual({ state: 'missing' });
    expect(await look({ status: 36 })).toEqual({ state: 'locked' });
    expect(await look({ status: undefined, isLate: true })).toEqual({ state: 'locked' });
    expect(await look({ status: 1, complaint: 'no such thing' })).toMatchObject({
      state: 'unreachable',
      why: 'no such thing',
    });
  });

  it('waits without end for a person, and for nobody else', async () => {
    for (const [patience, hasLimit] of [
      ['short', true],
      ['a person', false],
    ] as const) {
      const { run, uses } = played({ status: 44 });
      await keychain(given, run).look('ab12', patience);
      expect(uses[0]?.limitMs !== undefined).toBe(hasLimit);
    }
  });

  it('has removed what was not there', async () => {
    expect(await keychain(given, played({ status: 44 }).run).remove('ab12')).toBeUndefined();
    expect(await keychain(given, played({ status: 36 }).run).remove('ab12')).toEqual({ state: 'locked' });
  });
});
