export { ancestryOf, type ControllingTerminal, controllingTerminal } from './ancestry.ts';
export { BlockingStream } from './blocking-stream.ts';
export { describeProcess } from './describe-process.ts';
export { type Detached, startDetached } from './detached.ts';
export { endProcesses } from './ending.ts';
export { type ExitStatus, exitLike } from './exit-status.ts';
export { filterInput } from './filter.ts';
export { closeInspector, hardenSelf } from './harden.ts';
export { identityOf, isAlive, selfIdentity } from './identity.ts';
export { type Inherited, readInherited } from './inherited.ts';
export { type ListedProcess, listTree, listTrees } from './list-tree.ts';
export { findMarked, isMarked, stopMarked } from './marked.ts';
export { OutputPipe } from './output-pipe.ts';
export {
  belongsTo,
  type ConnectedPeer,
  canJudgePeers,
  judgePeer,
  type Peer,
  type PeerBounds,
  type PeerVerdict,
  peerBehind,
} from './peer.ts';
export type { ByteTransform, RelayEnd } from './relay.ts';
export { type CommandResolution, resolveCommand } from './resolve-command.ts';
export { type ForwardedSignal, type HeldSignals, holdSignals } from './signals.ts';
export { type SocketPath, shortSocketPath } from './socket-path.ts';
export { SpawnFailure } from './spawn-failure.ts';
export { continueStopped } from './stopped.ts';
export { superviseTree } from './supervise.ts';
export { peerOfTcp, type TcpEnd, type TcpPeer } from './tcp-peer.ts';
export type { TreeEnd, TreeSpec } from './tree-spec.ts';
export { UnixStream } from './unix-stream.ts';
