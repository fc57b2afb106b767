// Ends in the middle of things: process.exit(), exceptions, destroy(), close().

const { createPeer } = require('hawser')
const { engine, check, makePeer, makePair, inTransfer, echo, talk } = require('./common.cjs')

module.exports = {
  'exit-in-callback': () => inTransfer(() => process.exit(0)),
  'exit-in-timer': () => inTransfer(() => setTimeout(() => process.exit(0), 5)),
  'exit-in-handler-of-exit': () =>
    inTransfer(({ server, client, channel }) => {
      process.on('exit', () => {
        channel.reset('exiting')
        server.destroy()
        client.stats()
      })
      process.exit(0)
    }),
  async 'exit-while-opening'() {
    const client = await makePeer()
    const server = await makePeer()
    client.open(server.address, 'nobody').catch(() => {})
    createPeer({ engine }).catch(() => {})
    process.exit(0)
  },
  'throw-in-listener': () =>
    inTransfer(() => {
      throw new Error('on purpose')
    }),
  async 'throw-in-listener-caught'() {
    const { server, client, channel, accepted } = await makePair()
    let caught = 0
    process.on('uncaughtException', (error) => {
      check(error.message === 'on purpose', error.stack)
      caught++
    })
    let received = 0
    const all = new Promise((resolve) => {
      accepted.on('message', () => {
        if (++received === 1_000) resolve()
        if (received % 100 === 0) throw new Error('on purpose')
      })
    })
    for (let sent = 0; sent < 1_000; sent++) await channel.write('x')
    await all
    await Promise.all([client.close(), server.close()])
    check(caught === 10, `10 exceptions, ${caught} caught`)
  },
  async 'handler-fails'() {
    const server = await makePeer()
    const client = await makePeer()
    const failures = []
    server.on('handlerError', (error) => failures.push(error.message))
    server.serve('throws', () => {
      throw new Error('one')
    })
    server.serve('rejects', async (channel) => {
      await channel.receive()
      throw new Error('two')
    })
    server.serve('echo', echo)
    for (const service of ['throws', 'rejects']) {
      // A handler that throws at once may do so before the other side learns of its channel.
      const failed = await client
        .open(server.address, service)
        .then(async (channel) => {
          if (service === 'rejects') channel.send('x')
          return (await channel.closed).error
        })
        .catch((error) => error)
      check(failed?.code === 'HANDLER_FAILED', `the failure is told: ${failed?.stack}`)
    }
    await talk(await client.open(server.address, 'echo'))
    check(failures.join() === 'one,two', `both failures told, not ${failures}`)
    await Promise.all([client.close(), server.close()])
  },
  async 'destroy-in-callback'() {
    for (const victims of [['server'], ['client'], ['server', 'client']]) {
      const pair = await inTransfer(({ server, client, channel, accepted, ...rest }) => {
        const peers = { server, client, ...rest }
        for (const victim of victims) peers[victim].destroy()
        // Nothing of it can be used, and nothing breaks.
        for (const used of [channel, accepted]) {
          if (used.state === 'closed') check(used.stats().messagesSent > 0, 'counters remain')
        }
        for (const peer of [server, client]) if (!victims.includes('server')) peer.stats()
        // The other one would have to wait for its idle timeout.
        server.destroy()
        client.destroy()
      })
      await pair.channel.closed
      await pair.accepted.closed
    }
  },
  async 'close-in-callback'() {
    const pair = await inTransfer(({ channel, accepted }) => {
      channel.close({ timeout: 0 }).catch(() => {})
      accepted.close({ timeout: 0 }).catch(() => {})
    })
    await Promise.all([pair.server.close(), pair.client.close()])
  },
  async 'close-in-handler'() {
    const server = await makePeer()
    const client = await makePeer()
    const closed = new Promise((resolve) => {
      server.serve('once', async (channel) => {
        await channel.write(await channel.receive())
        await server.close()
        resolve()
      })
    })
    const channel = await client.open(server.address, 'once')
    await talk(channel)
    await closed
    check((await channel.closed).by === 'remote', 'the server closed the channel')
    await client.close()
  },
  async 'close-many-times'() {
    const { server, client, channel, accepted } = await makePair()
    await Promise.all([
      channel.close(),
      channel.close(),
      accepted.close(),
      server.close(),
      server.close(),
      client.close(),
    ])
    server.destroy()
    await client.close()
    channel.reset()
  },
}
