// node-datachannel 0.33 (libdatachannel): WebRTC data channels, SCTP in DTLS over UDP.
//
// Settings, from its API.md (https://www.npmjs.com/package/node-datachannel) and libdatachannel's documentation:
// - "PeerConnection", `iceServers: []`: both sides are in reach of each other; `bindAddress`: the address to measure on, without which loopback is left out.
// - "DataChannel", `bufferedAmount`, `setBufferedAmountLowThreshold`, `onBufferedAmountLow`: send waits above 64 KiB, until half of it is gone.
//   More only makes the queue longer: with 1 MiB W1 was as fast, W2 slower, and the ping in W9 waited longer.
// - Channels are reliable and ordered by default ("DataChannelInitConfig").

import nodeDataChannel from 'node-datachannel'
import { Link } from '../contenders/link.mjs'

const highWaterMark = 64 * 1024

class DataChannelLink extends Link {
  #channel
  #connection

  constructor(channel, connection, canOpen) {
    super()
    this.#channel = channel
    this.#connection = connection
    channel.setBufferedAmountLowThreshold(highWaterMark / 2)
    channel.onMessage((message) => this.onMessage(message))
    channel.onBufferedAmountLow(() => this.onDrain())
    channel.onClosed(() => this.onClose())
    channel.onError((error) => this.onClose(new Error(error)))
    if (canOpen) {
      this.openSecond = async () => {
        const second = connection.createDataChannel('second')
        await opened(second)
        return new DataChannelLink(second, connection, false)
      }
    }
  }

  send(message) {
    this.#channel.sendMessageBinary(message)
    return this.#channel.bufferedAmount() < highWaterMark
  }

  close() {
    this.#connection.close()
  }
}

function opened(channel) {
  if (channel.isOpen()) return undefined
  return new Promise((resolve) => channel.onOpen(resolve))
}

function connectionWith(name, host, signal) {
  const connection = new nodeDataChannel.PeerConnection(name, { iceServers: [], bindAddress: host })
  connection.onLocalDescription((sdp, type) => signal.send({ sdp, type }))
  connection.onLocalCandidate((candidate, mid) => signal.send({ candidate, mid }))
  signal.onSignal = ({ sdp, type, candidate, mid }) => {
    if (sdp === undefined) connection.addRemoteCandidate(candidate, mid)
    else connection.setRemoteDescription(sdp, type)
  }
  return connection
}

const datachannel = {
  async listen({ host, signal, onLink }) {
    const connection = connectionWith('server', host, signal)
    connection.onDataChannel((channel) => {
      const second = channel.getLabel() === 'second'
      onLink(new DataChannelLink(channel, connection, false), { second })
    })
    return { address: {}, close: () => connection.close() }
  },
  async connect({ from, signal }) {
    const connection = connectionWith('client', from, signal)
    const channel = connection.createDataChannel('first')
    await opened(channel)
    return new DataChannelLink(channel, connection, true)
  },
}

export const adapters = { datachannel }
