/** A wait that leaves `hasp` under a second where nobody answers. */
const LOOK_MS = 700;
/** It writes a file, and may start the keyring first. */
export const STORE_MS = 5_000;

/** Where this process got only a part of the machine, others get no more: then it is longer. */
export function lookMs(): number {
  const { user, system } = process.cpuUsage();
  const share = (process.uptime() * 1_000_000) / Math.max(1, user + system);
  return Math.min(STORE_MS, LOOK_MS * Math.max(1, share / 1.5));
}
