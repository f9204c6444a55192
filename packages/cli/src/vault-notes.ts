import type { Vault } from '@hasp/vault';

/** Bytes of a removed version stay in the write-ahead log while another process reads the vault. */
export function erasureNotes(vault: Vault): string[] {
  return vault.erasePending ? ['another process holds the vault open: the removed bytes go with its next change'] : [];
}
