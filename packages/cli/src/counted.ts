/** `1 secret`, `2 secrets`. @param what takes an s where there are more */
export function counted(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
