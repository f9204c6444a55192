import { managedFinder } from '@hasp/broker';
import type { Finder, NamedValue } from '@hasp/match';
import type { Context } from './context.ts';
import type { GlobalInput } from './input.ts';
import { asHaspError } from './output.ts';
import type { LockedHome } from './stores.ts';
import { NeedsPerson, readPassphrase, readPassphraseUnasked } from './unlock.ts';
import { ENGINE } from './version.ts';

/**
 * Finds every managed value: with the vault open in this process where it opens without a word, else through a
 * broker that is unlocked, else by asking for the passphrase. The vault is closed again.
 * @param more one value that is in no vault
 * @throws HaspError as `unlock`
 */
export async function openFinder(
  home: LockedHome,
  input: GlobalInput,
  context: Context,
  more?: NamedValue,
): Promise<Finder> {
  try {
    return await ownFinder(home, input, readPassphraseUnasked, more);
  } catch (error) {
    const asks = error instanceof NeedsPerson;
    if (!asks && asHaspError(error).code !== 'E_VAULT_LOCKED') throw error;
    const remote = await remoteFinder(context, more);
    if (remote !== undefined) return remote;
    if (asks) return ownFinder(home, input, readPassphrase, more);
    throw error;
  }
}

async function ownFinder(
  home: LockedHome,
  input: GlobalInput,
  ask: typeof readPassphrase,
  more: NamedValue | undefined,
): Promise<Finder> {
  const stores = await home.unlock(input, ask);
  try {
    return managedFinder(stores.vault, ENGINE, more);
  } finally {
    stores.close();
  }
}

/** Loaded here: most scans open the vault themselves. Its errors are made ours. */
async function remoteFinder(context: Context, more: NamedValue | undefined): Promise<Finder | undefined> {
  const { RemoteFinder } = await import('./remote-finder.ts');
  try {
    return RemoteFinder.open(context.home.brokerSocket, more);
  } catch (error) {
    throw asHaspError(error);
  }
}
