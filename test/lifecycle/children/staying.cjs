// What keeps the process, and what does not.

const {
  say,
  check,
  makePeer,
  makePair,
  pour,
  atMessage,
  echo,
  talk,
  openFiles,
  turn,
} = require('./common.cjs')

module.exports = {
  async collected() {
    const first = await makePeer()
    await turn()
    const before = openFiles()
    await (async () => {
      const server = await makePeer()
      server.serve('echo', echo)
      const dropped = []
      for (let index = 0; index < 40; index++) dropped.push(await makePeer())
      // Half of them have a session, whose channel was closed.
      for (let index = 0; index < 20; index++) {
        const channel = await dropped[index].open(server.address, 'echo')
        await talk(channel)
        await channel.close()
      }
      check(openFiles() >= before + 41, 'each peer has a socket')
      await server.close()
    })()
    while (openFiles() > before) {
      globalThis.gc()
      await turn()
    }
    first.destroy()
  },
  async 'left-open'() {
    // Nothing to wait for: neither services nor channels.
    await makePeer()
    const { server, client, channel, accepted } = await makePair()
    await channel.close()
    await accepted.closed
    server.unref()
    globalThis.kept = { server, client }
  },

  async 'service-keeps-alive'() {
    const server = await makePeer()
    server.serve('echo', echo)
    // Unreferenced: on its own it would not keep the process.
    setTimeout(() => {
      say('alive')
      server.close()
    }, 500).unref()
  },
  async 'channel-keeps-alive'() {
    const { server, client, channel } = await makePair()
    server.unref()
    setTimeout(() => {
      say('alive')
      channel.close().then(() => {
        client.unref()
        server.close()
      })
    }, 500).unref()
  },
  async 'opening-keeps-alive'() {
    const client = await makePeer()
    // Nobody answers there, and the time limit alone does not keep the process.
    const silent = require('node:dgram').createSocket('udp4')
    await new Promise((resolve) => silent.bind(0, '127.0.0.1', resolve))
    silent.unref()
    const other = await makePeer()
    const to = { id: other.id, addresses: [`127.0.0.1:${silent.address().port}`] }
    client.open(to, 'test', { timeout: 500 }).catch(({ code }) => {
      say(code)
    })
  },
  async 'unref-lets-go'() {
    const { server, client } = await makePair()
    server.serve('echo', echo)
    server.ref()
    server.unref()
    client.unref()
  },
  async 'closed-service-lets-go'() {
    const server = await makePeer()
    const service = server.serve('echo', echo)
    await service.close()
  },
  async 'serve-until-signal'() {
    const pair = await makePair()
    pour(pair.channel)
    pour(pair.accepted)
    pair.channel.on('message', () => {})
    atMessage(pair.accepted, 500, () => say('up'))
  },
  async 'close-on-signal'() {
    const pair = await makePair()
    pour(pair.channel)
    pair.accepted.on('message', () => {})
    atMessage(pair.accepted, 500, () => say('up'))
    process.once('SIGINT', async () => {
      await Promise.all([pair.client.close(), pair.server.close()])
      say('closed')
    })
  },
  'never-used'() {},
  async 'loop-blocked'() {
    const { server, client, channel, accepted } = await makePair()
    accepted.on('message', () => {})
    for (let round = 0; round < 20; round++) {
      for (let index = 0; index < 200; index++) channel.send(Buffer.alloc(1_000))
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
    }
    await channel.flush()
    await Promise.all([client.close(), server.close()])
  },
}
