import type { IncomingMessage } from 'node:http';
import { networkInterfaces } from 'node:os';
import { refusal } from './reply.ts';

/**
 * A page of the web may have its own name point to the loopback, and then ask from a browser: its requests name
 * that page as their host, or as their origin. @throws Refusal 403
 */
export function checkOrigin(request: IncomingMessage, hosts: ReadonlySet<string>): void {
  const { host, origin } = request.headers;
  if (host === undefined || !hosts.has(host.toLowerCase()))
    throw refusal(403, 'E_DENIED', 'the Host header names another host than this one');
  if (origin === undefined) return;
  const named = /^http:\/\/(.*)$/.exec(origin.toLowerCase())?.[1];
  if (named === undefined || !hosts.has(named))
    throw refusal(403, 'E_DENIED', 'the Origin header names another origin than this one');
}

/** What this broker may be called by who asks it over TCP. @param address where it listens, if that is not the loopback */
export function ownHosts(port: number, address?: string): ReadonlySet<string> {
  const names = ['127.0.0.1', 'localhost', '[::1]'];
  if (address !== undefined) names.push(...(isEvery(address) ? ownAddresses() : [address]).map(bracketed));
  // Clients leave the port of http out.
  return new Set(names.flatMap((name) => [`${name}:${port}`, ...(port === 80 ? [name] : [])]));
}

function isEvery(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((of) => (of ?? []).map(({ address }) => address));
}

function bracketed(address: string): string {
  return address.includes(':') ? `[${address}]` : address.toLowerCase();
}
