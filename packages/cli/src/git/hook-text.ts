import { createHash } from 'node:crypto';

export const GUARDED = ['pre-commit', 'commit-msg', 'pre-push'] as const;
export type GuardedHook = (typeof GUARDED)[number];

/** Where the hook lies that was there before, and still runs. */
export type Before =
  | { readonly kind: 'none' }
  /** In the same folder, with `.before-hasp` behind its name. */
  | { readonly kind: 'beside' }
  /** In the folder where git looked until now; may be relative to the work tree. */
  | { readonly kind: 'folder'; readonly folder: string }
  /** In the repository's own hooks folder, which git does not look at any more. */
  | { readonly kind: 'repository' };

export const KEPT_SUFFIX = '.before-hasp';

/** A word for sh, whatever is in it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * The guard as a hook. What changes a commit runs before it, so that it sees the result; what sends a
 * push, such as Git LFS, after it. Both get their arguments and the same stdin.
 */
export function guardText(hook: GuardedHook, hasp: string, before: Before): string {
  const check = [
    orStop('[ -x "$hasp" ]', '$hasp is missing', 'install hasp again, then: hasp hook install'),
    orStop('command -v bash >/dev/null', 'there is no bash in PATH', "add the folder that has it to git's PATH"),
  ].join('\n');
  const isChained = before.kind !== 'none';
  const lines = [`hasp=${quoted(hasp)}`, ...(isChained ? [keptLine(hook, before)] : [])];
  if (hook !== 'pre-push') {
    // A canary is for hasp alone.
    const kept = `[ -n "$HASP_HOOK_CANARY" ] || [ ! -x "$kept" ] || "$kept" "$@" || exit`;
    return sealed([...lines, ...(isChained ? [kept] : []), check, `exec "$hasp" hook ${hook} "$@"`]);
  }
  if (!isChained) return sealed([...lines, check, `exec "$hasp" hook pre-push "$@"`]);
  return sealed([
    ...lines,
    check,
    'refs=$(cat && echo .) || exit 1',
    `printf %s "\${refs%.}" | "$hasp" hook pre-push "$@" || exit`,
    `[ ! -x "$kept" ] || printf %s "\${refs%.}" | "$kept" "$@"`,
  ]);
}

/** Any other hook, where git looks at our folder and not at the one before. */
export function passText(hook: string, before: Before): string {
  return sealed([keptLine(hook, before), '[ ! -x "$kept" ] || exec "$kept" "$@"']);
}

function orStop(condition: string, problem: string, hint: string): string {
  return `${condition} || { echo "hasp: ${problem}, so nothing was checked" >&2; echo "  → ${hint}" >&2; exit 1; }`;
}

function keptLine(hook: string, before: Before): string {
  if (before.kind === 'folder') return `kept=${quoted(before.folder)}/${hook}`;
  if (before.kind === 'repository') return `kept=$(git rev-parse --git-common-dir)/hooks/${hook}`;
  return `kept=\${0%/*}/${hook}${KEPT_SUFFIX}`;
}

const MADE = '# Made by hasp hook install; hasp hook uninstall takes it away.';
const SEAL = /^(?:#!\/bin\/sh\n)?# Made by hasp hook install; hasp hook uninstall takes it away\. ([0-9a-f]{64})\n/;

function sealed(lines: readonly string[]): string {
  return `#!/bin/sh\n${withSeal(`${lines.join('\n')}\n`)}`;
}

function withSeal(body: string): string {
  return `${MADE} ${digest(Buffer.from(body))}\n${body}`;
}

/** Of a file's bytes as characters (latin1). `changed`: somebody wrote into what hasp made. */
export function authorOf(text: string): 'hasp' | 'changed' | 'other' {
  const seal = SEAL.exec(text);
  if (seal === null) return 'other';
  return digest(Buffer.from(text.slice(seal[0].length), 'latin1')) === seal[1] ? 'hasp' : 'changed';
}

function digest(body: Buffer): string {
  return createHash('sha256').update(body).digest('hex');
}

/** The guard as scripts of lefthook: these always run, while a job is skipped where no file is pushed, as with a tag. */
export function lefthookText(): string {
  const script = (hook: GuardedHook, more = '') => `${hook}:\n  scripts:\n    "hasp":\n      runner: sh\n${more}`;
  return withSeal(script('pre-commit') + script('commit-msg') + script('pre-push', '      use_stdin: true\n'));
}

const BEGIN = '# hasp hook install put these lines here; hasp hook uninstall takes them out.\n';
const END = '# (hasp)\n';

/**
 * The guard as lines of a hook that others keep, at its beginning: there it runs, whatever comes after. Bytes
 * are characters (latin1), as in the files that get it.
 */
function snippetText(hook: GuardedHook): string {
  const run = `sh "$hasp_hook" "$@" || exit $?\n`;
  const text = [
    BEGIN,
    `hasp_hook=$(git rev-parse --git-common-dir)/hasp-hooks/${hook}\n`,
    `[ -f "$hasp_hook" ] || { echo "hasp: not installed in this clone, so nothing was checked" >&2; echo "  → hasp hook install" >&2; exit 1; }\n`,
    ...(hook === 'pre-push' ? [PUSH_RUN] : [run]),
    END,
  ].join('');
  return Buffer.from(text).toString('latin1');
}

/** What comes after reads the same refs on its stdin. */
const PUSH_RUN = `hasp_refs=$(cat) || exit 1
if [ -z "$hasp_refs" ]; then exec </dev/null; else
printf '%s\\n' "$hasp_refs" | sh "$hasp_hook" "$@" || exit $?
exec <<HASP_REFS
$hasp_refs
HASP_REFS
fi
`;

/** Behind the first line, where that says which shell reads it. */
export function withSnippet(text: string, hook: GuardedHook): string {
  const start = text.startsWith('#!') ? text.indexOf('\n') + 1 || text.length : 0;
  const first = text.slice(0, start);
  return `${first}${first === '' || first.endsWith('\n') ? '' : '\n'}${snippetText(hook)}${text.slice(start)}`;
}

/** The text without the lines; undefined where they are not as they were made. */
export function withoutSnippet(text: string, hook: GuardedHook): string | undefined {
  const snippet = snippetText(hook);
  const at = text.indexOf(snippet);
  return at < 0 ? undefined : text.slice(0, at) + text.slice(at + snippet.length);
}

export function hasSnippet(text: string): boolean {
  return text.includes(BEGIN);
}
