import path from 'node:path';
import { Daemon, type DaemonParts } from '@hasp/broker/daemon';
import { HaspError } from '@hasp/core';
import { startBroker } from '../broker-process.ts';
import { brokerText } from '../broker-text.ts';
import { type Answer, type CommandInput, textOption } from '../command.ts';
import type { Context } from '../context.ts';
import { print, say } from '../output.ts';
import { LockedHome } from '../stores.ts';
import { obtainWrappingKey } from '../unlock.ts';
import { ENGINE } from '../version.ts';

const DEFAULT_PORT = 19_421;
const DEFAULT_DESCRIPTORS = 1_024;
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/;

/** Serves until Ctrl-C, or from the background with `--detach`. */
export async function startBrokerHere(input: CommandInput, context: Context): Promise<Answer> {
  const port = portOf(input);
  const place = { ...(port === undefined ? {} : { port }), ...addressOf(input, port) };
  await LockedHome.enter(context);
  const wrapping = await obtainWrappingKey(input, context);
  if (input.options.detach === true) {
    const status = await startBroker(context, wrapping, {
      endsWhenLocked: false,
      ...rulesOf(input, context),
      ...place,
    });
    return { json: status, text: brokerText(status) };
  }
  const { home, clock, random, host, uid, inherited } = context;
  const parts: DaemonParts = {
    home,
    clock,
    random,
    host,
    uid,
    descriptors: inherited.softNofile ?? DEFAULT_DESCRIPTORS,
    ...(ENGINE === undefined ? {} : { engine: ENGINE }),
    ...place,
    ...rulesOf(input, context),
    endsWhenLocked: false,
    say,
  };
  const daemon = await Daemon.start(parts, wrapping);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void daemon.stop());
  process.on('SIGHUP', () => daemon.reload());
  const status = daemon.status();
  print(input.json ? `${JSON.stringify(status)}\n` : `${brokerText(status)}\n`);
  await daemon.ended;
  return {};
}

/** Which rules there are, and who is asked about agents. */
function rulesOf(input: CommandInput, { cwd, environment }: Context) {
  const [file, aimUrl] = [textOption(input, 'policy-file'), textOption(input, 'aim-url')];
  const aimToken = textOption(input, 'aim-token') ?? environment.get('HASP_AIM_TOKEN');
  return {
    ...(file === undefined ? {} : { policyFile: path.resolve(cwd, file) }),
    ...(aimUrl === undefined ? {} : { aimUrl, ...(aimToken === undefined ? {} : { aimToken }) }),
  };
}

/** Another address than the loopback's: said aloud, for everything goes over it as it is. */
function addressOf(input: CommandInput, port: number | undefined): { readonly insecureAddress?: string } {
  const address = textOption(input, 'insecure-listen');
  if (address === undefined) return {};
  if (port === undefined) throw new HaspError('E_USAGE', '--insecure-listen and --no-http exclude each other');
  if (!IPV4.test(address) && !URL.canParse(`http://[${address}]/`))
    throw new HaspError('E_USAGE', `no address: ${address}`, 'an IP address of this machine, or 0.0.0.0 for all');
  say(`listening on ${address} without encryption: who can read that network reads tokens and values`);
  say('put TLS or a tunnel in front of it; the owner’s token holds on this machine only');
  return { insecureAddress: address };
}

function portOf(input: CommandInput): number | undefined {
  const given = textOption(input, 'port');
  if (input.options['no-http'] === true) {
    if (given !== undefined) throw new HaspError('E_USAGE', '--port and --no-http exclude each other');
    return undefined;
  }
  const port = given === undefined ? DEFAULT_PORT : Number(given);
  if (given === undefined || (/^[0-9]{1,5}$/.test(given) && port <= 65_535)) return port;
  throw new HaspError('E_USAGE', `no port: ${given}`, 'a number up to 65535, or 0 for any that is free');
}
