export { checkpointSeed } from './checkpoint-seed.ts';
export type { Consent } from './consent.ts';
export { type CreateOptions, createVault, newVaultId } from './create.ts';
export type { KeySource, UnlockKey } from './key-source.ts';
export type { ListedSecret, ListedVersion } from './listing.ts';
export {
  LockedVault,
  openVault,
  openVaultWithKeyFile,
  openVaultWithPassphrase,
  readVaultHeader,
  type VaultHeader,
} from './open.ts';
export { chainKey, restartChain } from './restart-chain.ts';
export type { Derivation, SheafValue } from './sheaf.ts';
export { type AddOptions, type ChangeOptions, Vault, type VaultPorts } from './vault.ts';
