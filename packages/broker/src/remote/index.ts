export { Link } from './link.ts';
export { RemoteBroker } from './remote-broker.ts';
export { RemoteFinder } from './remote-finder.ts';
export type { WithoutBroker } from './remote-run.ts';
