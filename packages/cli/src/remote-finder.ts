// A bundle of its own: only a scan that a broker does needs it.
export { RemoteFinder } from '@hasp/broker/remote';
