import { describe, expect, it } from 'vitest';
import { renameSecret } from './rename.ts';
import { acceptScopes, newScopes, scopesOf, setScopes } from './scopes.ts';
import { codeOf, isAnywhere, withVault } from './scratch.ts';

const bytes = (text: string) => Buffer.from(text);

describe('the scopes of a secret', () => {
  it('are those said last, and accepted are those said first until a person accepts others', () =>
    withVault(async (vault) => {
      await vault.set('a', bytes('x'));
      expect(scopesOf(vault, 'a')).toBeUndefined();
      expect(setScopes(vault, 'a', ['write', 'read', 'read'])).toEqual({
        scopes: ['read', 'write'],
        baseline: ['read', 'write'],
      });
      expect(setScopes(vault, 'a', ['read', 'admin'])).toEqual({
        scopes: ['admin', 'read'],
        baseline: ['read', 'write'],
      });
      expect(newScopes(scopesOf(vault, 'a') ?? { scopes: [], baseline: [] })).toEqual(['admin']);
      expect(newScopes(setScopes(vault, 'a', ['read']))).toEqual([]);
      setScopes(vault, 'a', ['admin']);
      expect(acceptScopes(vault, 'a')).toEqual({ scopes: ['admin'], baseline: ['admin'] });
      expect(scopesOf(vault, 'a')).toEqual({ scopes: ['admin'], baseline: ['admin'] });
    }));

  it('can be accepted only where there are some', () =>
    withVault(async (vault) => {
      expect(await codeOf(() => acceptScopes(vault, 'a'))).toBe('E_SECRET_MISSING');
      await vault.set('a', bytes('x'));
      expect(await codeOf(() => acceptScopes(vault, 'a'))).toBe('E_USAGE');
    }));

  it('stay with the secret under another name, and go with it', () =>
    withVault(async (vault, home) => {
      await vault.set('a', bytes('x'));
      setScopes(vault, 'a', ['repo:read']);
      setScopes(vault, 'a', ['repo:write']);
      await renameSecret(vault, 'a', 'b');
      expect([scopesOf(vault, 'a'), scopesOf(vault, 'b')]).toEqual([
        undefined,
        { scopes: ['repo:write'], baseline: ['repo:read'] },
      ]);
      await vault.rotate('b', bytes('y'), { forget: true });
      expect(scopesOf(vault, 'b')?.scopes).toEqual(['repo:write']);
      vault.remove('b');
      await vault.set('b', bytes('z'));
      expect(scopesOf(vault, 'b')).toBeUndefined();
      expect(isAnywhere(home, bytes('repo:read'))).toBe(false);
    }));

  it('of one version that goes stay, as others do', () =>
    withVault(async (vault) => {
      await vault.set('a', bytes('x'));
      await vault.set('a', bytes('y'));
      setScopes(vault, 'a', ['read']);
      vault.remove('a', 1);
      expect(scopesOf(vault, 'a')?.scopes).toEqual(['read']);
      vault.remove('a', 2);
      expect(scopesOf(vault, 'a')).toBeUndefined();
    }));
});
