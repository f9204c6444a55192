/** Every file name under HASP_HOME. Paths are POSIX: joined with "/". */
export interface Home {
  readonly root: string;
  readonly vault: string;
  readonly key: string;
  readonly auditLog: string;
  readonly auditSeal: string;
  /** One state file per live run. */
  readonly runs: string;
  readonly policy: string;
}

export function homeAt(root: string): Home {
  return {
    root,
    vault: `${root}/vault.db`,
    key: `${root}/vault.key`,
    auditLog: `${root}/audit.jsonl`,
    auditSeal: `${root}/audit.seal`,
    runs: `${root}/run`,
    policy: `${root}/policy.json`,
  };
}
