// The counters of a pipe service, as the demo prints them.

import type { ChannelStats } from '../stats'

export type ServiceReport = Record<string, number>

/** Both sides of a channel count both of its directions. */
export function serviceReport(stats: ChannelStats): ServiceReport {
  return {
    'messages sent': stats.messagesSent,
    'messages received': stats.messagesReceived,
    'messages sent again': stats.messagesResent,
    'messages received again': stats.messagesDuplicate,
    'counts sent (ACK of messages)': stats.countsSent,
    'counts received': stats.countsReceived,
    'packets sent': stats.path.packetsSent,
    'packets received': stats.path.packetsReceived,
    'packets taken for lost': stats.path.packetsLost,
    'of these arrived after all': stats.path.spuriousLosses,
    'probes sent': stats.path.probesSent,
    'round trip, microseconds': Math.round(stats.path.rtt * 1000),
  }
}

/** The two services side by side. */
export function reportTable(sender: ServiceReport, receiver: ServiceReport): string {
  const names = Object.keys(sender)
  const width = Math.max(...names.map((name) => name.length))
  const cell = (value: string | number | undefined) => String(value ?? '').padStart(12)
  const row = (name: string, a: string | number | undefined, b: string | number | undefined) =>
    `  ${name.padEnd(width)} ${cell(a)} ${cell(b)}`
  return [
    row('pipe service', 'sender', 'receiver'),
    ...names.map((name) => row(name, sender[name], receiver[name])),
  ].join('\n')
}
