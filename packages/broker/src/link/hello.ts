/** How a wrapper asks for a line of its own: HTTP/1.1 Upgrade (RFC 9110, section 7.8). */
const LINK_PROTOCOL = 'hasp/1';
const LINK_PATH = '/v1/link';

export const LINK_HELLO = [
  `GET ${LINK_PATH} HTTP/1.1`,
  'Host: hasp',
  'Connection: Upgrade',
  `Upgrade: ${LINK_PROTOCOL}`,
  '',
  '',
].join('\r\n');

export const LINK_WELCOME = [
  'HTTP/1.1 101 Switching Protocols',
  'Connection: Upgrade',
  `Upgrade: ${LINK_PROTOCOL}`,
  '',
  '',
].join('\r\n');

/** A line of the welcome where the broker's vault is open. */
export const UNLOCKED = 'Hasp-Vault: unlocked';

export function welcome(isUnlocked: boolean): string {
  return isUnlocked ? LINK_WELCOME.replace('\r\n\r\n', `\r\n${UNLOCKED}\r\n\r\n`) : LINK_WELCOME;
}
