// The package as an ES module and as CommonJS is one and the same.

import { createRequire } from 'node:module'
import * as esm from 'hawser'
import { createPeer as again } from 'hawser'

const require = createRequire(import.meta.url)
const cjs = require('hawser')

const names = Object.keys(cjs).filter((name) => name !== 'default' && name !== '__esModule')
if (names.length === 0) throw new Error('nothing is exported')
const imported = new Map(Object.entries(esm))
for (const name of names) {
  if (imported.get(name) !== cjs[name]) throw new Error(`${name} is not the same`)
}
if (require('hawser') !== cjs || again !== cjs.createPeer) throw new Error('not the same')

const server = await esm.createPeer({ listen: '127.0.0.1:0' })
const client = await cjs.createPeer({ listen: '127.0.0.1:0' })
server.serve('test', async (channel) => {
  await channel.receive()
  channel.reset('on purpose')
})
const channel = await client.open(server.address, 'test')
channel.send('x')
const { error } = await channel.closed
if (!(error instanceof esm.ChannelError && error instanceof cjs.ChannelError)) throw error
await Promise.all([client.close(), server.close()])
console.log('done')
