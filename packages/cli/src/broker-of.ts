import { Broker } from '@hasp/broker';
import type { Context } from './context.ts';
import type { Stores } from './stores.ts';
import { ENGINE } from './version.ts';

/** The broker of this process. */
export function brokerOf({ vault, log }: Stores, { home, clock, random }: Context): Broker {
  return new Broker({ home, vault, log, clock, random, ...(ENGINE === undefined ? {} : { engine: ENGINE }) });
}
