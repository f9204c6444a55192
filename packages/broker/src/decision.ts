import {
  type AccessRequest,
  type Binding,
  type Decision,
  decide,
  deliveryFields,
  describeDelivery,
  formatReference,
  HaspError,
  type Reference,
  type SecretValue,
} from '@hasp/core';
import type { Vault } from '@hasp/vault';
import { checkForEnvironment } from './deliver/env.ts';
import type { RunRequest } from './run-request.ts';

/** A wish that was allowed, with the value that it opens. */
export interface Allowed {
  readonly binding: Binding;
  readonly rule: string;
  readonly version: number;
  readonly value: SecretValue;
  /** Nothing has to hide it. */
  readonly placeholder: boolean;
  /** Of the vault, when it was opened. */
  readonly state: Uint8Array;
}

/** Why a run does not start, for the record and for the person. */
export interface Refusal {
  readonly rule: string;
  readonly why: string;
  readonly error: HaspError;
}

/** What `--dry-run` shows of one wish. */
export interface Explained {
  readonly wish: AccessRequest;
  readonly decision: Decision;
  /** Absent where the vault has no such secret. */
  readonly version?: number;
}

/** The decision on each wish, in order. Asks the vault only for this machine's consent. */
export function decideAll(request: RunRequest, vault: Vault): Decision[] {
  const facts = { projectTrusted: isTrusted(request, vault) };
  return request.wishes.map((wish) => decide(wish, facts));
}

export function isTrusted(request: RunRequest, vault: Vault): boolean {
  const project = request.projectFacts;
  if (project === undefined) return false;
  return vault.consent(project.root)?.manifestHash === project.manifestHash;
}

/** Opens every secret of the request, or says why the run may not start. All or nothing. */
export function openAll(request: RunRequest, vault: Vault, decisions: readonly Decision[]): Allowed[] | Refusal {
  const denied = decisions.find((decision) => decision.effect === 'deny');
  if (denied?.effect === 'deny') return { rule: denied.rule, why: denied.why, error: denialError(denied, request) };
  if (decisions.length !== request.wishes.length) throw new Error('a wish without a decision');
  const opened: Allowed[] = [];
  for (const [index, { binding }] of request.wishes.entries()) {
    try {
      opened.push({ binding, rule: decisions[index]?.rule ?? 'default-deny', ...vault.get(binding.reference) });
    } catch (error) {
      wipeAll(opened);
      if (error instanceof HaspError && error.code === 'E_SECRET_MISSING') {
        return { rule: 'secret-missing', why: `${formatReference(binding.reference)} is not in the vault`, error };
      }
      throw error;
    }
  }
  return opened;
}

/** The value of one reference; undefined where the vault has none. Its owner wipes it. */
export function openOne(reference: Reference, vault: Vault): { version: number; value: SecretValue } | undefined {
  try {
    return vault.get(reference);
  } catch (error) {
    if (error instanceof HaspError && error.code === 'E_SECRET_MISSING') return undefined;
    throw error;
  }
}

function denialError(denied: Decision & { effect: 'deny' }, request: RunRequest): HaspError {
  const names = request.wishes.map((wish) => formatReference(wish.binding.reference)).join(', ');
  const hint =
    denied.code === 'E_UNTRUSTED_PROJECT'
      ? 'read hasp.json, then: hasp project trust'
      : 'name the secret with --env, or ask the owner of the policy';
  return new HaspError(denied.code, `refused ${names}: ${denied.why}`, hint);
}

/**
 * What can be refused without a record, since nothing was asked of anyone yet: a variable that is
 * named twice or that the parent has already. @throws HaspError E_ENV_CONFLICT, E_USAGE
 */
export function checkVariables(request: RunRequest, opened: readonly Allowed[]): void {
  const seen = new Set<string>();
  let stdin = false;
  for (const { binding, value } of opened) {
    const { delivery, reference } = binding;
    if (delivery.kind === 'stdin') {
      if (stdin)
        throw new HaspError('E_USAGE', 'two secrets for one standard input', 'deliver one of them with --file');
      stdin = true;
      continue;
    }
    if (delivery.kind === 'ask') continue;
    const { variable } = delivery;
    if (seen.has(variable)) {
      throw new HaspError(
        'E_ENV_CONFLICT',
        `${variable} is granted twice`,
        'use --only or --except, or one of the two flags',
      );
    }
    seen.add(variable);
    const present = request.caller.environment.get(variable);
    const same =
      present === undefined ||
      present === formatReference(reference) ||
      (delivery.kind === 'env' && Buffer.from(present).equals(value.reveal()));
    if (!same && !request.override) {
      throw new HaspError(
        'E_ENV_CONFLICT',
        `${variable} has another value in the environment already (to be delivered: ${describeDelivery(deliveryFields(delivery))})`,
        `unset ${variable}, or let the grant replace it: --override`,
      );
    }
    if (delivery.kind === 'env') checkForEnvironment(reference.name, variable, value);
  }
}

export function wipeAll(opened: readonly Allowed[]): void {
  for (const { value } of opened) value.wipe();
}
