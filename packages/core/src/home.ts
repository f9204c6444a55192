/** Every file name under HASP_HOME. Paths are POSIX: joined with "/". */
export interface Home {
  readonly root: string;
  readonly vault: string;
  readonly key: string;
  /** Beside it while a rekey is under way: the one that is to come, and the hash of the one that is to go. */
  readonly newKey: string;
  readonly oldKey: string;
  readonly auditLog: string;
  readonly auditSeal: string;
  /** One state file per live run. */
  readonly runs: string;
  readonly policy: string;
  /** These three are there while a broker runs. */
  readonly brokerSocket: string;
  /** Who it is and where it listens, as JSON. */
  readonly brokerFacts: string;
  /** The owner's token, for TCP. */
  readonly brokerToken: string;
}

export function homeAt(root: string): Home {
  return {
    root,
    vault: `${root}/vault.db`,
    key: `${root}/vault.key`,
    newKey: `${root}/vault.key.new`,
    oldKey: `${root}/vault.key.old`,
    auditLog: `${root}/audit.jsonl`,
    auditSeal: `${root}/audit.seal`,
    runs: `${root}/run`,
    policy: `${root}/policy.json`,
    brokerSocket: `${root}/broker.sock`,
    brokerFacts: `${root}/broker.json`,
    brokerToken: `${root}/broker.token`,
  };
}
