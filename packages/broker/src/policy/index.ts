export {
  type IdentityServer,
  type IdentityServerParts,
  type IdentityServerState,
  identityServerAt,
  NO_IDENTITY_SERVER,
} from './identity-server.ts';
export { Limits, memoryOf, type RecordedUse } from './limits.ts';
export { nameCommand } from './name-command.ts';
export { type LoadedPolicy, type PolicyPlace, readPolicy } from './policy-bytes.ts';
export { PolicySource, type PolicySourceParts } from './policy-source.ts';
