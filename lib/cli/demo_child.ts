// One process of the demo, the sender or the receiver. Started by demo.ts with an IPC channel; ends when that closes.

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { Channel } from '../channel'
import { HawserError } from '../errors'
import { createPeer, type Peer } from '../peer'
import type { FromChild, ReceiverOrder, SenderOrder } from './demo_messages'
import { serviceReport } from './demo_report'

const SERVICE = 'file'
const PROGRESS_MILLISECONDS = 100

let peer: Peer | undefined

function tell(message: FromChild): void {
  if (process.connected) process.send?.(message)
}

async function receive(order: ReceiverOrder): Promise<void> {
  peer = await createPeer({ listen: '127.0.0.1:0', impair: order.impair })
  const finished = new Promise<void>((resolve, reject) => {
    peer?.serve(SERVICE, (channel) => take(channel).then(resolve, reject))
  })
  tell({ type: 'listening', address: peer.address })
  await finished
}

async function take(channel: Channel): Promise<void> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const message of channel) {
    hash.update(message)
    bytes += message.length
  }
  const sha256 = hash.digest('hex')
  channel.send(JSON.stringify({ sha256, bytes }))
  await channel.end()
  await channel.closed
  tell({ type: 'done', sha256, bytes, service: serviceReport(channel.stats()) })
}

async function send(order: SenderOrder): Promise<void> {
  peer = await createPeer({ listen: false, impair: order.impair })
  const channel = await peer.open(order.address, SERVICE)
  const hash = createHash('sha256')
  let bytes = 0
  const report = () => {
    const { messagesAcknowledged, window, ackEvery, messagesResent } = channel.stats()
    const acknowledged = Math.min(bytes, messagesAcknowledged * order.messageBytes)
    tell({ type: 'progress', bytes: acknowledged, window, ackEvery, resent: messagesResent })
  }
  const ticker = setInterval(report, PROGRESS_MILLISECONDS)
  try {
    for await (const chunk of createReadStream(order.file, {
      highWaterMark: 64 * order.messageBytes,
    })) {
      hash.update(chunk)
      for (let at = 0; at < chunk.length; at += order.messageBytes) {
        const message = chunk.subarray(at, at + order.messageBytes)
        bytes += message.length
        await channel.write(message)
      }
    }
    await channel.end()
    report()
  } finally {
    clearInterval(ticker)
  }
  const answer = JSON.parse(String(await channel.receive())) as { sha256: string; bytes: number }
  const sha256 = hash.digest('hex')
  if (answer.sha256 !== sha256 || answer.bytes !== bytes) {
    throw new Error(`the receiver has ${answer.bytes} bytes with another checksum`)
  }
  await channel.closed
  tell({ type: 'done', sha256, bytes, service: serviceReport(channel.stats()) })
}

async function run(order: ReceiverOrder | SenderOrder): Promise<void> {
  try {
    await (order.role === 'receiver' ? receive(order) : send(order))
    await peer?.close()
  } catch (error) {
    tell({
      type: 'failed',
      message: error instanceof Error ? error.message : String(error),
      ...(error instanceof HawserError ? { hint: error.hint } : {}),
    })
    peer?.destroy()
    process.exitCode = 1
  }
  if (process.connected) process.disconnect()
}

// Ctrl-C reaches the whole process group; the parent decides and closes the IPC channel.
process.on('SIGINT', () => {})
process.on('disconnect', () => {
  peer?.destroy()
  process.exit()
})
process.once('message', (order: ReceiverOrder | SenderOrder) => void run(order))
