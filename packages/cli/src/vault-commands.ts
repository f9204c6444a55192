import type { Command } from './command.ts';
import { NEW_PASSPHRASE_OPTIONS } from './new-key.ts';

/** The vault as a whole. */
export const VAULT_COMMANDS: readonly Command[] = [
  {
    usage: 'vault backup FILE',
    says: 'write the whole vault into one sealed file, which opens with the same key as the vault',
    example: 'hasp vault backup /media/usb/hasp.backup',
    options: {
      'new-key-file': { kind: 'text', says: 'PATH: open the backup with this key file, made if it is not there' },
      ...NEW_PASSPHRASE_OPTIONS,
    },
    load: async () => (await import('./commands/vault-backup.ts')).backUp,
  },
  {
    usage: 'vault restore FILE',
    says: 'make the vault out of a backup, in a home that has none',
    example: 'hasp vault restore /media/usb/hasp.backup',
    load: async () => (await import('./commands/vault-restore.ts')).restore,
  },
  {
    usage: 'vault rekey',
    says: 'give the vault another key; what opened it until now opens it no more',
    example: 'hasp vault rekey --new-key-file',
    options: {
      'new-key-file': {
        kind: 'text',
        mayBeEmpty: true,
        says: '[PATH]: with this key file, made if it is not there; vault.key in the home if PATH is left out',
      },
      ...NEW_PASSPHRASE_OPTIONS,
      'new-keyring': { kind: 'flag', says: 'with a key that the keyring of the operating system keeps' },
    },
    load: async () => (await import('./commands/vault-rekey.ts')).rekey,
  },
];
