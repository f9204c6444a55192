import { isUtf8 } from 'node:buffer';
import { HaspError, type SecretValue } from '@hasp/core';

/** Linux refuses a longer NAME=VALUE string: MAX_ARG_STRLEN, 32 pages (execve(2)). */
const MAX_ENTRY_BYTES = 128 * 1024;

/**
 * An environment entry is a C string that programs read as text: UTF-8 without NUL, of bounded size.
 * @throws HaspError E_USAGE naming the secret; checked before anything is recorded.
 */
export function checkForEnvironment(secret: string, variable: string, value: SecretValue): void {
  const bytes = value.reveal();
  const problem = bytes.includes(0)
    ? 'has a NUL byte'
    : !isUtf8(bytes)
      ? 'is not UTF-8'
      : bytes.length + variable.length + 2 > MAX_ENTRY_BYTES
        ? 'is too long'
        : undefined;
  if (problem === undefined) return;
  throw new HaspError(
    'E_USAGE',
    `${secret} ${problem} and can't be delivered in the environment`,
    `deliver it as a file: --file ${variable}=hasp://${secret}`,
  );
}
