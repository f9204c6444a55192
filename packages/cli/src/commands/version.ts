import type { Answer } from '../command.ts';
import { VERSION } from '../version.ts';

export async function version(): Promise<Answer> {
  return { json: { version: VERSION, node: process.versions.node }, text: VERSION };
}
