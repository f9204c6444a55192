export { type Access, type AccessFacts, type AgentRequest, type Caller, decideAccess } from './access.ts';
export { isAgentName, parseAgentName } from './agent-name.ts';
export { type NamedCommand, type Program, readCommand, shownCommand } from './command.ts';
export { evaluate, judgeAll, type RuleJudgement, type Verdict } from './evaluate.ts';
export { parsePolicy } from './policy-file.ts';
export type { AgentIdentity, Question, RuleFacts } from './question.ts';
export { type ConstraintKey, type Constraints, isLimited, type Policy, type Rule } from './rule.ts';
