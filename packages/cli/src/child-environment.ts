import type { Context } from './context.ts';

/** What a person's programs can't do without; `--pristine` keeps these only. */
const PRISTINE = /^(?:PATH|HOME|USER|SHELL|TERM|LANG|LC_.*|TZ|TMPDIR)$/;

/** Could unlock the vault, or names what only this run's own parent was given. */
const WITHHELD = ['HASP_KEY_FILE', 'HASP_AIM_TOKEN', 'HASP_GRANT', 'HASP_SOCKET'];

/** The environment that the child starts from, before anything is granted. */
export function baseEnvironment(context: Context, pristine: boolean): Map<string, string> {
  const base = new Map(context.environment);
  for (const name of base.keys()) {
    const kept = !pristine || PRISTINE.test(name) || name === 'HASP_HOME' || name === 'HASP_SESSION';
    if (!kept || WITHHELD.includes(name)) base.delete(name);
  }
  return base;
}
