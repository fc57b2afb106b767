// What the package exports, nothing else.

export type { Target } from './address'
export type { Bytes, Codec } from './bytes'
export type { Channel, ChannelEvents, Remote, StreamOptions } from './channel'
export {
  type Attempt,
  ChannelError,
  type CloseInfo,
  ConnectError,
  type ErrorCode,
  HawserError,
  OptionError,
} from './errors'
export { Identity, type PeerId } from './identity'
export type { NetworkOptions } from './network'
export type { ChannelOptions, WindowOptions } from './options/channel'
export type {
  Congestion,
  EngineOptions,
  ImpairOptions,
  ListenOptions,
  PeerLimits,
  PeerOptions,
} from './options/peer'
export { createPeer, type Peer, type PeerEvents, type ServeOptions } from './peer'
export type { Handler, Service } from './service'
export type {
  ChannelStats,
  EngineStats,
  PathStats,
  PeerStats,
  RefusedByCause,
  ServiceStats,
  SessionStats,
  SocketStats,
} from './stats'
export type { Waiting } from './waiting'
