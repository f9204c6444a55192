/** Where the repository and its index are: git tells its hooks by these. */
const PLACES = [
  'GIT_DIR',
  'GIT_COMMON_DIR',
  'GIT_WORK_TREE',
  'GIT_INDEX_FILE',
  'GIT_OBJECT_DIRECTORY',
  'GIT_ALTERNATE_OBJECT_DIRECTORIES',
  'GIT_PREFIX',
  'GIT_CEILING_DIRECTORIES',
  'GIT_DISCOVERY_ACROSS_FILESYSTEM',
];

/**
 * What git gets: of its own variables those that say where things are, and no other, for a replaced
 * object, a graft or a setting given by environment could hide what is looked for. Nothing is fetched:
 * what is not here counts as missing. (Before Git 2.45 only a forbidden transport sees to that.)
 */
export function gitEnvironment(environment: ReadonlyMap<string, string>): Record<string, string> {
  const kept = [...environment].filter(
    ([name]) => name !== 'HASP_KEY_FILE' && (!name.startsWith('GIT_') || PLACES.includes(name)),
  );
  return {
    ...Object.fromEntries(kept),
    LC_ALL: 'C',
    GIT_ALLOW_PROTOCOL: 'none',
    GIT_GRAFT_FILE: '/dev/null',
    GIT_NO_LAZY_FETCH: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_TERMINAL_PROMPT: '0',
  };
}

/** Against what could start a program, or make git believe a file of its own more than the objects; and large blobs come in pieces. */
export const SETTINGS: readonly string[] = [
  'advice.graftFileDeprecated=false',
  'core.bigFileThreshold=8m',
  'core.commitGraph=false',
  'core.fsmonitor=false',
  'core.untrackedCache=false',
  'core.useReplaceRefs=false',
  'core.warnAmbiguousRefs=false',
].flatMap((setting) => ['-c', setting]);
