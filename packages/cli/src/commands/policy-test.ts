import path from 'node:path';
import { parseTime } from '@hasp/audit';
import { nameCommand, readPolicy } from '@hasp/broker/policy';
import { type Delivery, HaspError, parseReference } from '@hasp/core';
import {
  evaluate,
  judgeAll,
  type NamedCommand,
  type Question,
  type RuleFacts,
  type RuleJudgement,
  readCommand,
  type Verdict,
} from '@hasp/core/rules';
import { type Answer, type CommandInput, textOption } from '../command.ts';
import type { Context } from '../context.ts';
import { checkHome } from '../home-guard.ts';
import { table } from '../table.ts';

const DELIVERIES: readonly Delivery['kind'][] = ['env', 'file', 'stdin', 'ask'];

/** Decides nothing and records nothing: what the rules would say, with all limits untouched. */
export async function testPolicy(input: CommandInput, context: Context): Promise<Answer> {
  const named = textOption(input, 'policy-file');
  if (named === undefined) checkHome(context.home, context.uid);
  const file = named === undefined ? context.home.policy : path.resolve(context.cwd, named);
  const policy = readPolicy({ file, named: named !== undefined, uid: context.uid })?.policy ?? { rules: [] };
  const question = questionOf(input, context);
  const facts = factsAt(parseTime(textOption(input, 'at') ?? 'now', context.clock()));
  const verdict = evaluate(question, policy, facts);
  const rules = judgeAll(question, policy, facts).map((judgement) => ({
    id: judgement.rule.id,
    effect: judgement.rule.effect,
    applies: judgement.applies,
    decides: decides(judgement, verdict),
    why: reasonOf(judgement, verdict),
  }));
  return {
    json: {
      ...verdict,
      at: new Date(facts.now).toISOString(),
      ...(question.command === undefined ? {} : { command: question.command }),
      rules,
    },
    text: [
      `${verdict.effect}  ${verdict.rule}  ${verdict.why}`,
      table(
        ['', 'RULE', 'EFFECT', 'WHY'],
        rules.map(({ id, effect, why, decides }) => [decides ? '→' : '', id, effect, why]),
      ),
    ]
      .filter((part) => part !== '')
      .join('\n\n'),
    notes: [
      ...(policy.rules.length === 0 ? [`there is no rule in ${file}`] : []),
      ...(question.command === undefined ? [] : [programNote(question.command)]),
    ],
  };
}

function questionOf(input: CommandInput, context: Context): Question {
  const command = commandOf(input, context);
  const target = textOption(input, 'target');
  return {
    agent: required(input, 'agent'),
    secret: parseReference(`hasp://${required(input, 'secret').replace(/^hasp:\/\//, '')}`).name,
    delivery: deliveryOf(textOption(input, 'delivery') ?? 'env'),
    ...(command === undefined ? {} : { command }),
    ...(target === undefined ? {} : { target }),
  };
}

/** As `hasp run` would find it from here. */
function commandOf(input: CommandInput, { environment, cwd }: Context): NamedCommand | undefined {
  const text = textOption(input, 'command');
  if (text === undefined) return undefined;
  const words = readCommand(text);
  if (words !== undefined && words.length > 0) return nameCommand(words, environment.get('PATH'), cwd);
  throw new HaspError(
    'E_USAGE',
    '--command has no word, or a quote that is not closed',
    "for example --command 'npm test'",
  );
}

function programNote({ words, program }: NamedCommand): string {
  return program === undefined ? `no program ${words[0]} is found here` : `${words[0]} is ${program.realPath} here`;
}

function required(input: CommandInput, name: string): string {
  const text = textOption(input, name);
  if (text !== undefined) return text;
  throw new HaspError('E_USAGE', `policy test needs --${name}`, 'usage: hasp policy test --agent NAME --secret NAME');
}

function deliveryOf(text: string): Delivery['kind'] {
  const found = DELIVERIES.find((kind) => kind === text);
  if (found !== undefined) return found;
  throw new HaspError('E_USAGE', `--delivery is one of ${DELIVERIES.join(', ')}`, 'see hasp policy test --help');
}

function factsAt(now: number): RuleFacts {
  return { now, hasTokenLeft: () => true, uses: () => 0, identity: undefined, scopesGrown: false };
}

function decides({ rule }: RuleJudgement, verdict: Verdict): boolean {
  return rule.id === verdict.rule;
}

/** A rule that applies, and does not decide, comes too late. */
function reasonOf(judgement: RuleJudgement, verdict: Verdict): string {
  if (!judgement.applies || decides(judgement, verdict)) return judgement.why;
  return `Would apply, but ${JSON.stringify(verdict.rule)} decides before it`;
}
