import type { CommandInput } from './command.ts';

export const PLACEHOLDER_OPTION = {
  placeholder: { kind: 'flag', says: 'the value is no secret: do not mask it or look for it' },
} as const;

/** Whether the new value is to be one. */
export function wantsPlaceholder(input: CommandInput): boolean {
  return input.options.placeholder === true;
}
