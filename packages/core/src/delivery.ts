import type { Reference } from './reference.ts';

/** How a value reaches the process tree. Closed: a new way is a new member and a file in broker/deliver. */
export type Delivery =
  | { readonly kind: 'env'; readonly variable: string }
  | { readonly kind: 'file'; readonly variable: string }
  | { readonly kind: 'stdin' };

/** One secret and the way it is delivered: a line of a manifest, or a flag of `hasp run`. */
export interface Binding {
  readonly reference: Reference;
  readonly delivery: Delivery;
}

/** `env DATABASE_URL`, `file KEY`, `stdin`: for messages and tables. */
export function describeDelivery(delivery: Delivery): string {
  return delivery.kind === 'stdin' ? 'stdin' : `${delivery.kind} ${delivery.variable}`;
}
