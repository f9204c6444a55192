import type { Binding, Delivery, Scope } from './delivery.ts';
import { HaspError } from './errors.ts';
import {
  boolean,
  duration,
  type Fields,
  fields,
  list,
  objectMembers,
  oneOf,
  optional,
  present,
  readFileText,
  string,
} from './json-fields.ts';
import type { StragglerPolicy } from './process-identity.ts';
import { isName, parseReference, type Reference } from './reference.ts';
import { type JsonNode, JsonProblem } from './strict-json.ts';

export type RedactMode = 'auto' | 'always' | 'never';

/** What a target, or the manifest's top level, asks for. */
export interface Wishes {
  readonly bindings: readonly Binding[];
  /** Names that a live member of the tree may fetch: not delivered. */
  readonly ask: readonly Reference[];
}

export interface Target extends Wishes {
  readonly command: readonly string[];
  readonly ttlMs?: number;
  readonly graceMs?: number;
  readonly scope?: Scope;
  readonly stragglers?: StragglerPolicy;
  readonly redact?: RedactMode;
  readonly pristine?: boolean;
}

/** `hasp.json`: committed with the code, and without a value in it. */
export interface Manifest extends Wishes {
  readonly project?: string;
  readonly targets: ReadonlyMap<string, Target>;
  /** Agent name → the targets that it may run. */
  readonly agents: ReadonlyMap<string, readonly string[]>;
}

const VARIABLE = /^(?!HASP_)[A-Za-z_][A-Za-z0-9_]*$/;

/** A name that a granted variable may have; those that begin with HASP_ are hasp's own. */
export function isVariable(text: string): boolean {
  return VARIABLE.test(text);
}

/**
 * @param file how the file is called in messages.
 * @throws HaspError E_MANIFEST_INVALID with `file:line:column`; no value of the file is repeated.
 */
export function parseManifest(text: string, file: string): Manifest {
  const hint = 'correct the manifest; every value of env, file, stdin and ask is a reference such as hasp://db/url';
  return readFileText(text, { file, code: 'E_MANIFEST_INVALID', hint }, readManifest);
}

const BINDING_KEYS = ['env', 'file', 'stdin', 'ask'] as const;
const TOP_KEYS = ['$schema', 'version', 'project', ...BINDING_KEYS, 'targets', 'agents'];
const TARGET_KEYS = ['command', ...BINDING_KEYS, 'ttl', 'grace', 'scope', 'stragglers', 'redact', 'pristine'];

function readManifest(node: JsonNode): Manifest {
  const top = fields(node, TOP_KEYS);
  const version = top('version');
  if (version?.kind !== 'number' || version.value !== 1)
    throw new JsonProblem('"version" must be 1', version?.at ?? node.at);
  optional(top('$schema'), string);
  const project = optional(top('project'), string);
  const targets = optional(top('targets'), (at) => dictionary(at, readTarget)) ?? new Map<string, Target>();
  return {
    ...readWishes(top),
    targets,
    agents: optional(top('agents'), (at) => dictionary(at, (agent) => readAgent(agent, targets))) ?? new Map(),
    ...(project === undefined ? {} : { project }),
  };
}

function readTarget(node: JsonNode): Target {
  const target = fields(node, TARGET_KEYS);
  const command = optional(target('command'), (at) => list(at, string)) ?? [];
  return {
    ...readWishes(target),
    command,
    ...present('ttlMs', optional(target('ttl'), duration)),
    ...present('graceMs', optional(target('grace'), duration)),
    ...present('scope', optional(target('scope'), oneOf('tree', 'root'))),
    ...present('stragglers', optional(target('stragglers'), oneOf('kill', 'wait', 'leave'))),
    ...present('redact', optional(target('redact'), oneOf('auto', 'always', 'never'))),
    ...present('pristine', optional(target('pristine'), boolean)),
  };
}

function readAgent(node: JsonNode, targets: ReadonlyMap<string, Target>): readonly string[] {
  return (
    optional(fields(node, ['targets'])('targets'), (at) =>
      list(at, (item) => {
        const name = string(item);
        if (!targets.has(name)) throw new JsonProblem('names a target that is not there', item.at);
        return name;
      }),
    ) ?? []
  );
}

function readWishes(get: Fields): Wishes {
  const stdin = optional(get('stdin'), reference);
  return {
    bindings: [
      ...variables(get('env'), 'env'),
      ...variables(get('file'), 'file'),
      ...(stdin === undefined ? [] : [{ reference: stdin, delivery: { kind: 'stdin' } as const }]),
    ],
    ask: optional(get('ask'), (at) => list(at, reference)) ?? [],
  };
}

function variables(node: JsonNode | undefined, kind: 'env' | 'file'): Binding[] {
  if (node === undefined) return [];
  const bindings: Binding[] = [];
  for (const [variable, member] of objectMembers(node)) {
    if (!isVariable(variable)) throw new JsonProblem('not a valid variable name', member.keyAt);
    const delivery: Delivery = { kind, variable };
    bindings.push({ reference: reference(member.value), delivery });
  }
  return bindings;
}

function reference(node: JsonNode): Reference {
  try {
    return parseReference(string(node));
  } catch (error) {
    if (error instanceof HaspError) throw new JsonProblem('expected a reference such as hasp://db/url', node.at);
    throw error;
  }
}

function dictionary<T>(node: JsonNode, read: (value: JsonNode) => T): Map<string, T> {
  const entries = new Map<string, T>();
  for (const [key, member] of objectMembers(node)) {
    if (!isName(key)) throw new JsonProblem('not a valid name', member.keyAt);
    entries.set(key, read(member.value));
  }
  return entries;
}

/**
 * The target whose `command` is the longest prefix of the command to run.
 * Targets without a command are chosen only by name.
 */
export function matchTarget(manifest: Manifest, command: readonly string[]): string | undefined {
  let best: string | undefined;
  let length = 0;
  for (const [name, target] of manifest.targets) {
    const matches = target.command.length > length && target.command.every((word, index) => word === command[index]);
    if (matches) {
      best = name;
      length = target.command.length;
    }
  }
  return best;
}
