import type { AskServer, AskServing } from './ask-server.ts';

export { parseAsked } from './ask-protocol.ts';

/** Loaded when a run is to be asked, and not before: a run without `ask` opens no socket. */
export async function openAskServer(serving: AskServing): Promise<AskServer> {
  return (await import('./ask-server.ts')).AskServer.open(serving);
}

/** What `hasp get` does. @throws HaspError as `fetchThrough` of ask-client.ts */
export async function askFor(socketPath: string, name: string): Promise<Buffer> {
  return (await import('./ask-client.ts')).fetchThrough(socketPath, name);
}
