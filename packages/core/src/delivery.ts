import type { Reference } from './reference.ts';

/** How a value reaches the process tree. Closed: a new way is a new member and a file in broker/deliver. */
export type Delivery =
  | { readonly kind: 'env'; readonly variable: string }
  | { readonly kind: 'file'; readonly variable: string }
  | { readonly kind: 'stdin' }
  /** Not handed over: a live member of the tree may fetch it, while the grant lasts. */
  | { readonly kind: 'ask' };

/** One secret and the way it is delivered: a line of a manifest, or a flag of `hasp run`. */
export interface Binding {
  readonly reference: Reference;
  readonly delivery: Delivery;
}

/** Who may fetch what is granted by `ask`: every live member of the tree, or its root process alone. */
export type Scope = 'tree' | 'root';

/** A delivery as records and JSON have it: its kind, and the variable where there is one. */
export interface DeliveryFields {
  readonly delivery: Delivery['kind'];
  readonly variable?: string;
}

export function deliveryFields(delivery: Delivery): DeliveryFields {
  return { delivery: delivery.kind, ...('variable' in delivery ? { variable: delivery.variable } : {}) };
}

/** `env DATABASE_URL`, `file KEY`, `stdin`, `ask`: for messages and tables. */
export function describeDelivery({ delivery, variable }: Partial<DeliveryFields>): string {
  return variable === undefined ? String(delivery) : `${delivery} ${variable}`;
}
