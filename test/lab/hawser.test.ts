// Two processes at the two ends of a bad cable.

import path from 'node:path'
import type { PeerStats } from '../../lib'
import { checkTraffic, openChannel, type Pair, startTraffic } from '../process/pair'
import { Child } from '../support/processes'
import { describeLab, openCable } from './support'

const script = path.join(__dirname, '..', 'process', 'children', 'peer.cjs')

describeLab('a channel over a cable', () => {
  test('that loses 5 %, with 25 ± 5 ms each way: every message arrives once, in order', async () => {
    const cable = await openCable({
      rate: '100mbit',
      delayMs: 25,
      jitterMs: 5,
      loss: 0.05,
      seed: 7,
    })
    const server = new Child(script, { prefix: cable.inRight })
    const client = new Child(script, { prefix: cable.inLeft })
    const [made] = await Promise.all([
      server.call<Pick<Pair, 'id' | 'address' | 'port'>>('create', {
        listen: `${cable.rightAddress}:0`,
      }),
      client.call('create', { listen: `${cable.leftAddress}:0` }),
    ])
    await server.call('serve')
    const pair = { server, client, ...made }
    const ends = await openChannel(pair)
    const load = { minBytes: 1_024, maxBytes: 1_024 }
    await startTraffic(pair, ends, {
      up: { ...load, seed: 1, count: 2_000 },
      down: { ...load, seed: 2, count: 100 },
    })
    const { up, down } = await checkTraffic(pair, ends)
    expect(up).toMatchObject({ count: 2_000, bytes: 2_000 * 1_024 })
    expect(down).toMatchObject({ count: 100, bytes: 100 * 1_024 })
    // It went over the cable, and that was as bad as it should be.
    const { leftToRight } = await cable.stats()
    expect(leftToRight.bytesIn).toBeGreaterThan(2_000 * 1_024)
    expect(leftToRight.drops.loss / leftToRight.packetsIn).toBeGreaterThan(0.025)
    const { sessions } = await client.call<PeerStats>('stats')
    expect(sessions[0]?.path.packetsLost).toBeGreaterThan(0)
  })
})
