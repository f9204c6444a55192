/** A value where it must not be, as it is printed and as `--json` gives it. */
export interface Finding {
  /** NAME, or NAME@N where it is an earlier version. */
  readonly secret: string;
  readonly spelling: string;
  /** Values in it are masked. A part of an archive stands behind `!/`. */
  readonly path?: string;
  /** From 1; the column in bytes. */
  readonly line?: number;
  readonly column?: number;
  /** In bytes: from the beginning of the content, or of the name. */
  readonly offset: number;
  readonly commit?: string;
  readonly blob?: string;
  /** The annotated tag. */
  readonly tag?: string;
  readonly where: Where;
}

/** In which part of a file, a repository or a stream. */
export type Where =
  | 'content'
  | 'name'
  | 'link'
  | 'stdin'
  | 'message'
  | 'author'
  | 'committer'
  | 'tagger'
  | 'header'
  | 'ref';

/** What nobody looked into. */
export interface Skipped {
  readonly path: string;
  /** Goes on from the path: `is encrypted`. */
  readonly why: string;
}

/** The whole answer of a scan. */
export interface ScanReport {
  readonly findings: readonly Finding[];
  readonly scanned: { readonly files: number; readonly bytes: number; readonly objects: number };
  readonly skipped: readonly Skipped[];
  /** Whether something was left out that could hold a value. */
  readonly isWhole: boolean;
}
