import type { Outcome } from './sandbox.ts';

/** Of a command that was given `--json`: its status and the code of its error, or what it said instead. */
export async function refusal(running: Promise<Outcome>): Promise<[number | null, string]> {
  const outcome = await running;
  return [outcome.status, codeOf(outcome)];
}

export function codeOf({ stderr }: Outcome): string {
  return /"code":"(E_[A-Z_]+)"/.exec(stderr.toString())?.[1] ?? stderr.toString();
}
