/** How `git commit` makes a message of the file that was edited. */
export interface MessageCleanup {
  /** commit.cleanup. */
  readonly mode: string;
  /** core.commentChar or core.commentString. */
  readonly comment: string;
  /** Where no editor was used, comments are text. */
  readonly isEdited: boolean;
}

const SCISSORS = ' ------------------------ >8 ------------------------\n';
const BELOW_SCISSORS = ' Do not modify or remove the line above.\n';

/**
 * The message as git will keep it: without comments and without the diff of `commit -v`. Bytes are
 * characters (latin1). Blank space is left as it is: that alone hides nothing.
 */
export function cleanMessage(text: string, { mode, comment, isEdited }: MessageCleanup): string {
  const mark = comment === 'auto' ? chosenMark(text) : comment;
  if (!isEdited || mark === undefined) return text;
  const message = text.slice(0, cutAt(text, mark, mode));
  return (mode === 'default' || mode === 'strip') && isToldSo(text, mark) ? withoutComments(message, mark) : message;
}

/**
 * No hook is told of `--cleanup`. But where comments will go, git's own say so to whoever edits them; without
 * that, in a message from elsewhere or in another language, they count as text.
 */
function isToldSo(text: string, mark: string): boolean {
  return text.split('\n').some((line) => line.startsWith(mark) && line.includes('will be ignored'));
}

/** git takes one that begins no line of the message; its own explanation shows which. */
function chosenMark(text: string): string | undefined {
  return /^([#;@!$%^&|:]) Please enter the commit message/m.exec(text)?.[1] ?? /^(.) -{24} >8 -{24}$/m.exec(text)?.[1];
}

/** Where what git ignores begins. A line that only looks like it does not count. */
function cutAt(text: string, mark: string, mode: string): number {
  const line = `${mark}${SCISSORS}`;
  const wanted = mode === 'scissors' ? line : `${line}${mark}${BELOW_SCISSORS}`;
  if (text.startsWith(wanted)) return 0;
  const found = text.indexOf(`\n${wanted}`);
  return found < 0 ? text.length : found + 1;
}

function withoutComments(text: string, mark: string): string {
  return text
    .split('\n')
    .filter((line) => !line.startsWith(mark))
    .join('\n');
}

/** As git joins paragraphs: one blank line between them, none at the ends of lines. */
export function withoutBlankSpace(text: string): string {
  return text.replace(/[ \t\r\f\v]+$/gm, '').replace(/\n{3,}/g, '\n\n');
}
