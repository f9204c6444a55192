import yargs from 'yargs';
import type { Command } from './command.ts';
import { GLOBAL_OPTIONS, optionShapes } from './options.ts';
import { RUN_OPTIONS } from './run-grammar.ts';

const WIDTH = 100;
const RUN: Pick<Command, 'usage' | 'says' | 'example' | 'options'> = {
  usage: 'run [options] -- COMMAND [ARG]...',
  says: 'run a command with exactly the secrets it is granted, until its last process ends',
  example: 'hasp run -e DATABASE_URL=hasp://db/url -- npm test',
};

const FIRST_STEPS = `First steps:
  hasp init                                     make the vault
  hasp secret set db/url                        store a value
  hasp run -e DATABASE_URL=hasp://db/url -- npm test
  hasp audit log --secret db/url                who was granted it
  hasp audit verify                             and that nobody changed the log`;

/** The list of commands: all of them, or one group. */
export function overview(commands: readonly Command[], whole: boolean): Promise<string> {
  const page = yargs([])
    .scriptName('hasp')
    .usage(
      'Usage: hasp COMMAND [options]\n\nA command gets exactly the secrets it was granted, for exactly as long as its processes live.',
    )
    .wrap(WIDTH)
    .version(false)
    .help(false)
    .epilogue(
      `${whole ? `${FIRST_STEPS}\n\n` : ''}hasp COMMAND --help shows the options of one command and an example.`,
    );
  for (const { usage, says } of whole ? [RUN, ...commands] : commands) page.command(usage, says);
  return page.getHelp();
}

/** One command: its usage, options and a worked example. */
export function commandHelp(command: Command | 'run'): Promise<string> {
  const { usage, says, example, options } = command === 'run' ? RUN : command;
  return yargs([])
    .scriptName('hasp')
    .usage(`Usage: hasp ${usage}\n\n${says}`)
    .options(optionShapes(command === 'run' ? RUN_OPTIONS : { ...options, ...GLOBAL_OPTIONS }))
    .example(example, '')
    .wrap(WIDTH)
    .version(false)
    .help(false)
    .getHelp();
}
