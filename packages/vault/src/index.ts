export { type BackupMade, type BackupOptions, backUpVault } from './backup/back-up.ts';
export { LockedBackup, type RestoreFacts, type RestoreOptions } from './backup/restore.ts';
export { checkpointSeed } from './checkpoint-seed.ts';
export type { Consent } from './consent.ts';
export { type CreateOptions, createVault, newVaultId } from './create.ts';
export { destroyFile, markOldKeyFile, settleKeyFiles } from './key-files.ts';
export type { KeySource, UnlockKey } from './key-source.ts';
export type { ListedSecret, ListedVersion } from './listing.ts';
export { takeMaking } from './making.ts';
export {
  LockedVault,
  openVault,
  openVaultWithKeyFile,
  openVaultWithPassphrase,
  readVaultHeader,
  type VaultHeader,
} from './open.ts';
export { type RekeyOptions, rekeyVault } from './rekey.ts';
export { renameSecret } from './rename.ts';
export { chainKey, restartChain } from './restart-chain.ts';
export type { Derivation, SheafValue } from './sheaf.ts';
export { type AddOptions, type ChangeOptions, Vault, type VaultPorts } from './vault.ts';
