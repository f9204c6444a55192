import { timeText } from './encoding.ts';
import { secretMissing } from './failures.ts';
import { type Head, newest, type VersionFact } from './head.ts';

export interface ListedSecret {
  readonly name: string;
  /** The newest. */
  readonly version: number;
  /** When that one was added: RFC 3339 in UTC with milliseconds. */
  readonly updatedAt: string;
  /** Whether that one is a placeholder. */
  readonly placeholder: boolean;
}

export interface ListedVersion {
  readonly version: number;
  /** RFC 3339 in UTC with milliseconds. */
  readonly createdAt: string;
  readonly placeholder: boolean;
}

export function listSecret(head: Head): ListedSecret {
  const { version, createdAt, placeholder } = listVersion(newest(head));
  return { name: head.name, version, updatedAt: createdAt, placeholder };
}

export function listVersion({ version, createdAt, placeholder }: VersionFact): ListedVersion {
  return { version, createdAt: timeText(createdAt), placeholder: placeholder === true };
}

/** The newest where none is asked for. @throws HaspError E_SECRET_MISSING */
export function versionOf(head: Head, version: number | undefined): VersionFact {
  const found = version === undefined ? newest(head) : head.versions.find((one) => one.version === version);
  if (!found) throw secretMissing(head.name, version);
  return found;
}
