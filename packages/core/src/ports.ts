import type { AuditEvent } from './audit-event.ts';

/** Milliseconds since 1970. */
export type Clock = () => number;

/** That many random bytes from a cryptographic source. */
export type Random = (bytes: number) => Uint8Array;

/** Where decisions are written before they take effect. @throws HaspError E_AUDIT_WRITE, E_CHAIN_BROKEN */
export interface AuditSink {
  /**
   * Returns when all events are on disk, in order, with no other record between them.
   * @param onDisk called a moment before, as soon as they are; then they are whatever happens. It may not throw
   */
  append(events: readonly AuditEvent[], onDisk?: () => void): AuditMark;
}

/** The end of the log as of one append; what the vault keeps to notice a roll-back. */
export interface AuditMark {
  /** Chain id, 32 hex digits. */
  readonly chain: string;
  /** Sequence number of the last record, from 1. */
  readonly seq: number;
  /** MAC of the last record, 64 hex digits. */
  readonly mac: string;
}
