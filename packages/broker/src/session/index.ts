export { endSession } from './end-session.ts';
export { endWithin } from './end-within.ts';
export { endingsOf, type SessionOrRun, type Wanted } from './endings.ts';
export { type LostSession, reconcileSessions } from './reconcile-sessions.ts';
export { RemoteSession } from './remote-session.ts';
export { type Above, sessionAbove } from './session-above.ts';
export { sessionDocument } from './session-document.ts';
export { listSessions, type SessionState } from './session-state.ts';
