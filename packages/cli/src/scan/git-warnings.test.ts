import { describe, expect, it } from 'vitest';
import { mayLeaveOut } from './git-warnings.ts';

describe('what git warns of', () => {
  it.each([
    '',
    "warning: unable to access '/home/ann/.config/git/ignore': Permission denied\n",
    "warning: unable to access '/etc/names to ignore': Too many levels of symbolic links\n",
    'hint: something else\n',
  ])('leaves nothing out: %j', (said) => expect(mayLeaveOut(said)).toBe(false));

  it.each([
    "warning: could not open directory 'sub/': Permission denied\n",
    "warning: could not open directory 'aaa/': File name too long\n",
    "warning: unable to access 'sub/.gitignore': Permission denied\n",
    "warning: unable to access '/repository/.git/info/exclude': Permission denied\n",
    "warning: unable to access '/repository/.gitignore': Permission denied\n",
    "warning: unable to access '/home/ann/ignore': Permission denied\nwarning: could not open directory 'b/': Permission denied\n",
    "warning: could not open directory 'a\nwarning: unable to access '/x': b/': Permission denied\n",
    'error: unable to do what nobody has thought of\n',
    'x'.repeat(4_096),
  ])('may leave something out: %j', (said) => expect(mayLeaveOut(said)).toBe(true));
});
