import { liveRunsWith } from '@hasp/broker';
import type { Home } from '@hasp/core';
import type { Vault } from '@hasp/vault';

/** Bytes of a removed version stay in the write-ahead log while another process reads the vault. */
export function erasureNotes(vault: Vault): string[] {
  return vault.erasePending ? ['another process holds the vault open: the removed bytes go with its next change'] : [];
}

/** A process that was handed the old value keeps it until its tree ends. */
export function liveRunNotes(home: Home, secret: string): string[] {
  const runs = liveRunsWith(home, secret);
  if (runs.length === 0) return [];
  return [
    `${runs.length === 1 ? '1 live run keeps' : `${runs.length} live runs keep`} the value it was handed until it ends: ${runs.map((run) => run.wrapper.pid).join(', ')} (pid)`,
  ];
}
