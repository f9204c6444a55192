import { type Matcher, makeMatcher } from '@hasp/match';
import type { Vault } from '@hasp/vault';
import { pack, unpack } from './packed.ts';

/** Larger tables are not kept: each change of the vault writes them anew. */
const MOST_BYTES = 32 * 1024 * 1024;

/**
 * Finds every version of every secret, each as `NAME@VERSION`. Its tables take longer to make than to open, so they
 * are kept sealed in the vault.
 * @param build of the match engine: tables of another one are not used, and without it none are kept
 */
export function managedMatcher(vault: Vault, build: string | undefined): Matcher {
  return vault.derived<Matcher>({
    label: `matcher ${build} ${process.version}`,
    make: (values) => makeMatcher(values.map(({ name, version, bytes }) => ({ name: `${name}@${version}`, bytes }))),
    pack: (matcher) => {
      if (build === undefined || matcher.empty) return undefined;
      const packed = pack(matcher);
      if (packed.length <= MOST_BYTES) return packed;
      packed.fill(0);
      return undefined;
    },
    unpack: (packed) => unpack(packed) as Matcher,
  });
}
