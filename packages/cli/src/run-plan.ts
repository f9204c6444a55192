import { parseAsked } from '@hasp/broker';
import {
  type AccessRequest,
  type Binding,
  type BindingOrigin,
  formatReference,
  HaspError,
  isVariable,
  MAX_TTL_MS,
  type Manifest,
  matchTarget,
  parseDuration,
  parseName,
  parseReference,
  type RedactMode,
  type Reference,
  type Scope,
  type StragglerPolicy,
  type Target,
  type Wishes,
} from '@hasp/core';
import type { RunInput } from './input.ts';
import { nearest } from './nearest.ts';

/** What one `hasp run` will ask for and how it will behave: flags and manifest, merged. */
export interface RunPlan {
  readonly wishes: readonly AccessRequest[];
  readonly target?: string;
  readonly ttlMs: number;
  /** The ttl that was asked for was over the ceiling. */
  readonly ttlCut: boolean;
  readonly graceMs: number;
  readonly stragglers: StragglerPolicy;
  readonly scope: Scope;
  readonly redact: RedactMode;
  readonly pristine: boolean;
}

const DEFAULT_GRACE_MS = 2_000;

/** With any of these flags and no target, the manifest is not even read. */
export function needsManifest(input: RunInput): boolean {
  return input.target !== undefined || flagBindings(input).length === 0;
}

/**
 * @param manifest undefined where there is none, or none is needed.
 * @throws HaspError E_USAGE, E_NOTHING_GRANTED, E_REFERENCE_INVALID, E_NAME_INVALID
 */
export function planRun(input: RunInput, manifest: Manifest | undefined): RunPlan {
  const flags = flagBindings(input).map((binding): AccessRequest => ({ binding, origin: { kind: 'flags' } }));
  const name =
    manifest === undefined
      ? undefined
      : (input.target ?? (flags.length === 0 ? matchTarget(manifest, input.command) : undefined));
  const target = name === undefined ? undefined : findTarget(manifest, name);
  const source = target ?? (flags.length === 0 ? manifest : undefined);
  if (source === undefined && flags.length > 0 && input.only.length + input.except.length > 0) throw nothingToNarrow();
  const wishes = [...(source === undefined ? [] : narrow(fromManifest(source, name), input)), ...flags];
  if (wishes.length === 0) throw nothingGranted();
  const ttlMs = ttlOf(input, target);
  return {
    wishes,
    ...(name === undefined ? {} : { target: name }),
    ttlMs: Math.min(ttlMs, MAX_TTL_MS),
    ttlCut: ttlMs > MAX_TTL_MS,
    graceMs: Math.min(graceOf(input, target), MAX_TTL_MS),
    stragglers: (input.stragglers as StragglerPolicy | undefined) ?? target?.stragglers ?? 'kill',
    scope: (input.scope as Scope | undefined) ?? target?.scope ?? 'tree',
    redact: (input.redact as RedactMode | undefined) ?? target?.redact ?? 'auto',
    pristine: input.pristine || (target?.pristine ?? false),
  };
}

function graceOf(input: RunInput, target: Target | undefined): number {
  return input.grace === undefined ? (target?.graceMs ?? DEFAULT_GRACE_MS) : parseDuration(input.grace);
}

function findTarget(manifest: Manifest | undefined, name: string): Target {
  const target = manifest?.targets.get(name);
  if (target !== undefined) return target;
  const names = [...(manifest?.targets.keys() ?? [])];
  const guess = nearest(name, names);
  throw new HaspError(
    'E_USAGE',
    `the manifest has no target ${JSON.stringify(name)}`,
    guess === undefined ? `it has: ${names.join(', ') || 'none'}` : `did you mean ${guess}?`,
  );
}

function fromManifest(wishes: Wishes, target: string | undefined): AccessRequest[] {
  const origin: BindingOrigin = { kind: 'manifest', ...(target === undefined ? {} : { target }) };
  return [...wishes.bindings, ...askBindings(wishes.ask)].map((binding) => ({ binding, origin }));
}

function narrow(wishes: readonly AccessRequest[], input: RunInput): AccessRequest[] {
  const variables = wishes.map(({ binding }) => variableOf(binding));
  for (const name of [...input.only, ...input.except]) {
    if (variables.includes(name)) continue;
    throw new HaspError(
      'E_USAGE',
      `the manifest gives no variable ${JSON.stringify(name)}`,
      `it gives: ${variables.join(', ')}`,
    );
  }
  return wishes.filter(({ binding }) => {
    const variable = variableOf(binding);
    return (input.only.length === 0 || input.only.includes(variable)) && !input.except.includes(variable);
  });
}

/** How `--only` and `--except` call it: what has no variable goes by `stdin`, or by the secret's name. */
function variableOf({ delivery, reference }: Binding): string {
  if ('variable' in delivery) return delivery.variable;
  return delivery.kind === 'stdin' ? 'stdin' : reference.name;
}

function ttlOf(input: RunInput, target: Target | undefined): number {
  const ttlMs = input.ttl === undefined ? (target?.ttlMs ?? MAX_TTL_MS) : parseDuration(input.ttl);
  if (ttlMs > 0) return ttlMs;
  throw new HaspError('E_USAGE', 'a ttl of nothing grants nothing', 'for example --ttl 15m');
}

function nothingToNarrow(): HaspError {
  return new HaspError(
    'E_USAGE',
    '--only and --except narrow what the manifest gives, and none is used here',
    'name a target with --target, or leave the flag of that variable out',
  );
}

function nothingGranted(): HaspError {
  return new HaspError(
    'E_NOTHING_GRANTED',
    'no secret is granted to this command',
    'name one: hasp run -e DATABASE_URL=hasp://db/url -- COMMAND, or bind it in hasp.json: hasp project init',
  );
}

function flagBindings(input: RunInput): Binding[] {
  return [
    ...input.env.map((text) => variableBinding(text, 'env')),
    ...input.file.map((text) => variableBinding(text, 'file')),
    ...(input.stdin === undefined
      ? []
      : [{ reference: parseReference(input.stdin), delivery: { kind: 'stdin' } as const }]),
    ...askBindings(input.ask.map(parseAsked)),
  ];
}

function askBindings(references: readonly Reference[]): Binding[] {
  const once = new Map(references.map((reference) => [formatReference(reference), reference]));
  return [...once.values()].map((reference) => ({ reference, delivery: { kind: 'ask' } }));
}

/** `VAR=hasp://NAME`, or `VAR` for `VAR=hasp://VAR`. */
function variableBinding(text: string, kind: 'env' | 'file'): Binding {
  const equals = text.indexOf('=');
  const variable = equals < 0 ? text : text.slice(0, equals);
  if (variable.startsWith('HASP_'))
    throw new HaspError('E_USAGE', `${variable} is hasp's own`, 'choose another name for the variable');
  if (!isVariable(variable))
    throw new HaspError(
      'E_USAGE',
      `--${kind} needs a variable's name`,
      `for example --${kind} DATABASE_URL=hasp://db/url`,
    );
  const reference: Reference = equals < 0 ? { name: parseName(text) } : parseReference(text.slice(equals + 1));
  return { reference, delivery: { kind, variable } };
}
