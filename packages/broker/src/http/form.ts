import type { IncomingMessage } from 'node:http';
import { refusal } from './reply.ts';

/** As Node has it. */
const CONTINUE = /(?:^|\W)100-continue(?:$|\W)/i;

/** What Node would refuse with nothing but a status, or let pass (RFC 9112, 3.2; RFC 9110, 10.1.1). @throws Refusal 400, 417 */
export function checkForm({ headersDistinct, httpVersion }: IncomingMessage): void {
  const { host = [], expect = [] } = headersDistinct;
  const isOf11 = httpVersion === '1.1';
  if (host.length > 1 || (isOf11 && host.length === 0))
    throw refusal(400, 'E_USAGE', 'a request has one Host header', { closes: true });
  if (isOf11 && expect.length > 0 && !expect.every((wanted) => CONTINUE.test(wanted)))
    throw refusal(417, 'E_USAGE', 'nothing but 100-continue can be expected', { closes: true });
}
