import { MAX_TTL_MS } from '../duration.ts';
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
} from '../json-fields.ts';
import { type JsonNode, JsonProblem } from '../strict-json.ts';
import type { Constraints, Policy, Rule } from './rule.ts';
import { type TimeWindow, WEEKDAYS, wallClock } from './time-window.ts';

/**
 * `policy.json`, also as the broker of secretless-ai has it: a bare array of rules, or one without a version.
 * @param file how the file is called in messages.
 * @throws HaspError E_POLICY_INVALID with `file:line:column`
 */
export function parsePolicy(text: string, file: string): Policy {
  const hint = 'correct it there, then look again with: hasp policy check';
  return { rules: readFileText(text, { file, code: 'E_POLICY_INVALID', hint }, readRules) };
}

const RULE_KEYS = [
  'id',
  'effect',
  'agentSelector',
  'credentialSelector',
  'commandSelector',
  'targetSelector',
  'deliveries',
  'constraints',
];
const CONSTRAINT_KEYS = [
  'timeWindow',
  'rateLimit',
  'maxUses',
  'maxTtl',
  'minTrustScore',
  'requireCapability',
  'scopeCheck',
];
/** What records say where no rule of the file decided. */
const RESERVED_IDS = ['default-deny', 'trusted-manifest', 'untrusted-manifest', 'person-flags', 'secret-missing'];
const MAX_RULES = 10_000;
const MAX_SELECTOR = 1_024;
const MAX_ID = 128;

function readRules(node: JsonNode): Rule[] {
  const rules = readRuleList(node);
  if (rules.items.length > MAX_RULES) throw new JsonProblem(`more than ${MAX_RULES} rules`, rules.at);
  const seen = new Set<string>();
  return rules.items.map((item) => {
    const rule = readRule(item);
    if (seen.has(rule.id)) throw new JsonProblem(`two rules with the id ${JSON.stringify(rule.id)}`, idAt(item));
    seen.add(rule.id);
    return rule;
  });
}

function readRuleList(node: JsonNode): JsonNode & { readonly kind: 'array' } {
  if (node.kind === 'array') return node;
  if (node.kind !== 'object') throw new JsonProblem('expected an object with "rules", or an array of rules', node.at);
  const top = fields(node, ['version', 'rules']);
  const version = top('version');
  if (version !== undefined && (version.kind !== 'number' || version.value !== 1))
    throw new JsonProblem('"version" must be 1', version.at);
  const rules = top('rules');
  if (rules === undefined) throw new JsonProblem('"rules" is missing', node.at);
  if (rules.kind !== 'array') throw new JsonProblem('expected an array', rules.at);
  return rules;
}

function idAt(node: JsonNode): number {
  return objectMembers(node).get('id')?.value.at ?? node.at;
}

function readRule(node: JsonNode): Rule {
  const rule = fields(withoutNotes(node), RULE_KEYS);
  const effect = oneOf('allow', 'deny', 'ask')(required(rule, 'effect', node));
  const constraints = rule('constraints');
  if (effect === 'deny') optional(constraints, refuseLimitsOfDenial);
  return {
    id: ruleId(required(rule, 'id', node)),
    effect,
    agentSelector: selector(required(rule, 'agentSelector', node)),
    credentialSelector: credentialSelector(required(rule, 'credentialSelector', node)),
    ...present('commandSelector', optional(rule('commandSelector'), selector)),
    ...present('targetSelector', optional(rule('targetSelector'), selector)),
    ...present('deliveries', optional(rule('deliveries'), deliveries)),
    constraints: optional(constraints, readConstraints) ?? {},
  };
}

/** `"x-note": "…"` beside `id` is for people; not where it reads like a restriction. */
function withoutNotes(node: JsonNode): JsonNode {
  if (node.kind !== 'object') return node;
  const members = new Map(node.members);
  for (const [key, { keyAt, value }] of node.members) {
    if (!key.startsWith('x-')) continue;
    if ([...RULE_KEYS, ...CONSTRAINT_KEYS].some((known) => plain(known) === plain(key.slice(2))))
      throw new JsonProblem(`${JSON.stringify(key)} would restrict nothing: a note has another name`, keyAt);
    string(value);
    members.delete(key);
  }
  return { ...node, members };
}

function plain(key: string): string {
  return key.toLowerCase().replace(/[^a-z]/g, '');
}

/** It denies always, or in its hours: any other constraint could only make it deny less than it seems to. */
function refuseLimitsOfDenial(node: JsonNode): void {
  for (const [key, { keyAt }] of objectMembers(node)) {
    if (key !== 'timeWindow' && CONSTRAINT_KEYS.includes(key))
      throw new JsonProblem(`a deny rule can have no ${key}, only a timeWindow`, keyAt);
  }
}

function readConstraints(node: JsonNode): Constraints {
  const constraint = fields(node, CONSTRAINT_KEYS);
  return {
    ...present('timeWindow', optional(constraint('timeWindow'), readTimeWindow)),
    ...present('rateLimit', optional(constraint('rateLimit'), readRateLimit)),
    ...present('maxUses', optional(constraint('maxUses'), readMaxUses)),
    ...present('maxTtlMs', optional(constraint('maxTtl'), readMaxTtl)),
    ...present('minTrustScore', optional(constraint('minTrustScore'), readTrustScore)),
    ...present('requireCapability', optional(constraint('requireCapability'), nonEmpty)),
    ...present('scopeCheck', optional(constraint('scopeCheck'), boolean)),
  };
}

function readTimeWindow(node: JsonNode): TimeWindow {
  const window = fields(node, ['start', 'end', 'days', 'timeZone']);
  const start = timeOfDay(required(window, 'start', node));
  const end = required(window, 'end', node);
  if (timeOfDay(end) === start) throw new JsonProblem('ends when it starts: leave it out for the whole day', end.at);
  const zone = window('timeZone');
  return {
    start,
    end: timeOfDay(end),
    ...present(
      'days',
      optional(window('days'), (at) => someOf(at, oneOf(...WEEKDAYS))),
    ),
    ...present('timeZone', optional(zone, string)),
    wallTime: clockOf(zone),
  };
}

function timeOfDay(node: JsonNode): number {
  const match = /^([01][0-9]|2[0-3]):([0-5][0-9])$/.exec(string(node));
  if (!match) throw new JsonProblem('expected a time from "00:00" to "23:59"', node.at);
  return Number(match[1]) * 60 + Number(match[2]);
}

function clockOf(zone: JsonNode | undefined): TimeWindow['wallTime'] {
  if (zone === undefined) return wallClock(undefined);
  // Node 22 takes offsets too, Node 20 does not.
  if (/^[A-Za-z]/.test(string(zone))) {
    try {
      return wallClock(string(zone));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }
  throw new JsonProblem('expected a time zone such as "Europe/Berlin" or "UTC"', zone.at);
}

function readRateLimit(node: JsonNode): { maxPerMinute: number } {
  const most = required(fields(node, ['maxPerMinute']), 'maxPerMinute', node);
  if (most.kind !== 'number' || !(most.value > 0 && most.value <= 1e6))
    throw new JsonProblem('expected a number above 0', most.at);
  return { maxPerMinute: most.value };
}

function readMaxUses(node: JsonNode): number {
  if (node.kind !== 'number' || !Number.isSafeInteger(node.value) || node.value < 1)
    throw new JsonProblem('expected a whole number from 1', node.at);
  return node.value;
}

function readMaxTtl(node: JsonNode): number {
  const ttlMs = duration(node);
  if (ttlMs < 1 || ttlMs > MAX_TTL_MS) throw new JsonProblem('expected a duration of at most 24h', node.at);
  return ttlMs;
}

function readTrustScore(node: JsonNode): number {
  if (node.kind !== 'number' || !(node.value >= 0 && node.value <= 1))
    throw new JsonProblem('expected a number from 0 to 1', node.at);
  return node.value;
}

function deliveries(node: JsonNode) {
  return someOf(node, oneOf('env', 'file', 'stdin', 'ask'));
}

function ruleId(node: JsonNode): string {
  const id = nonEmpty(node);
  if (id.length > MAX_ID || /\p{Cc}/u.test(id)) throw new JsonProblem(`expected at most ${MAX_ID} characters`, node.at);
  if (RESERVED_IDS.includes(id)) throw new JsonProblem(`${JSON.stringify(id)} is a name of hasp's own`, node.at);
  return id;
}

/** One that is empty would match nothing, and a deny rule with it would never deny. */
function selector(node: JsonNode): string {
  const text = nonEmpty(node);
  if (text.length > MAX_SELECTOR) throw new JsonProblem(`expected at most ${MAX_SELECTOR} characters`, node.at);
  return text;
}

/** A reference is no name: it would match nothing, either. */
function credentialSelector(node: JsonNode): string {
  const text = selector(node);
  if (!/^hasp:\/\/|@[0-9]+$/.test(text)) return text;
  throw new JsonProblem('expected names without hasp:// and version', node.at);
}

function nonEmpty(node: JsonNode): string {
  const text = string(node);
  if (text === '') throw new JsonProblem('must not be empty', node.at);
  return text;
}

function someOf<T>(node: JsonNode, read: (item: JsonNode) => T): T[] {
  const items = list(node, read);
  if (items.length === 0) throw new JsonProblem('must not be empty', node.at);
  return items;
}

function required(get: Fields, key: string, owner: JsonNode): JsonNode {
  const node = get(key);
  if (node === undefined) throw new JsonProblem(`${JSON.stringify(key)} is missing`, owner.at);
  return node;
}
