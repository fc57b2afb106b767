// What 'hawser/testing' exports, nothing else.

export { decodeFrames, FrameError } from './decode'
export { encodeFrames } from './encode'
export {
  type Delivery,
  type Frame,
  type FrameType,
  isAckEliciting,
  type NumberRange,
  type TracedMessage,
} from './frames'
export {
  createTestNetwork,
  type TestNetwork,
  type TestNetworkEvents,
  type TestPeerOptions,
} from './network'
export type { BurstOptions, LinkOptions, PacketMatch, TestNetworkOptions } from './options'
export type { Packet, PacketFate, PacketKind } from './packets'
export type { DropRule, HoldRule, PacketRule } from './rules'
