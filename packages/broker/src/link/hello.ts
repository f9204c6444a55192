/** How a wrapper asks for a line of its own: HTTP/1.1 Upgrade (RFC 9110, section 7.8). */
export const LINK_PROTOCOL = 'hasp/1';
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

/** The session that the other side is in, as the kernel has it, or what stands for one that can't be told. */
export const SESSION = 'Hasp-Session: ';

export function welcome(isUnlocked: boolean, session: string | undefined): string {
  const lines = [...(isUnlocked ? [UNLOCKED] : []), ...(session === undefined ? [] : [`${SESSION}${session}`])];
  return LINK_WELCOME.replace('\r\n\r\n', ['', ...lines, '', ''].join('\r\n'));
}
