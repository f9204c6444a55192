export { Link } from './link.ts';
export { RemoteBroker } from './remote-broker.ts';
export type { EndWithoutBroker } from './remote-run.ts';
