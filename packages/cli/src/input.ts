/** What every command understands. */
export interface GlobalInput {
  readonly json: boolean;
  /** `--key-file PATH`; an empty string where the path was left out (init only). */
  readonly keyFile?: string;
  readonly passphraseFd?: number;
}

/** `hasp run`, as it was asked; nothing is interpreted yet. */
export interface RunInput extends GlobalInput {
  readonly env: readonly string[];
  readonly file: readonly string[];
  readonly stdin?: string;
  readonly ask: readonly string[];
  readonly scope?: string;
  readonly target?: string;
  readonly only: readonly string[];
  readonly except: readonly string[];
  readonly ttl?: string;
  readonly stragglers?: string;
  readonly grace?: string;
  readonly redact?: string;
  readonly pristine: boolean;
  readonly override: boolean;
  readonly reason?: string;
  readonly dryRun: boolean;
  /** The child's argv, untouched. */
  readonly command: readonly string[];
}
