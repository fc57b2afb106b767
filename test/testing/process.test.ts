// A network in a process of its own: it keeps nothing alive, and needs nothing of the system.

import { runScript } from '../support/child'

const start = `
  const { createTestNetwork } = require('hawser/testing')
  async function pair(options) {
    const network = createTestNetwork({ seed: 1, ...options })
    const alice = await network.createPeer()
    const bob = await network.createPeer()
    const accepted = new Promise((resolve) => bob.serve('test', resolve))
    const channel = await alice.open(bob.address, 'test')
    return { network, alice, bob, channel, accepted: await accepted }
  }
`

const clean = (stdout: string) => ({ code: 0, signal: null, stdout, stderr: '' })

test.each([
  ['closed', 'await network.close()'],
  ['left open', ''],
  ['left open and paused', 'network.pause()'],
  ['left with a partition', 'network.partition(alice, bob); channel.send("x")'],
  ['left with somebody waiting', 'channel.receive().then(() => console.log("never"))'],
])('the process ends with a network that is %s', async (_, end) => {
  const script = `${start}
    async function main() {
      const { network, alice, bob, channel, accepted } = await pair()
      channel.send('hello')
      console.log(String(await accepted.receive()))
      ${end}
    }
    main()`
  expect(await runScript('cjs', script)).toEqual(clean('hello\n'))
})

test('networks that were closed are collected', async () => {
  const script = `${start}
    async function main() {
      let collected = 0
      const registry = new FinalizationRegistry(() => collected++)
      for (let index = 0; index < 20; index++) {
        const { network, channel } = await pair()
        channel.send('x')
        await network.close()
        registry.register(network, index)
      }
      for (let round = 0; round < 50 && collected < 15; round++) {
        gc()
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      console.log(collected >= 15)
    }
    main()`
  expect(await runScript('cjs', script, '--expose-gc')).toEqual(clean('true\n'))
})

test('no descriptor is opened, and no thread started', async () => {
  const script = `${start}
    const fs = require('node:fs')
    const count = (what) => fs.readdirSync('/proc/self/' + what).length
    async function main() {
      await pair()
      const before = [count('fd'), count('task')]
      const networks = []
      for (let index = 0; index < 10; index++) networks.push(await pair())
      console.log(before.join() === [count('fd'), count('task')].join())
    }
    main()`
  const onLinux = process.platform === 'linux'
  if (onLinux) expect(await runScript('cjs', script)).toEqual(clean('true\n'))
})

test('a worker thread may end in the middle of it', async () => {
  const script = `${start}
    const { Worker, isMainThread } = require('node:worker_threads')
    if (isMainThread) {
      const worker = new Worker(__filename)
      worker.once('message', () => {})
      worker.on('exit', (code) => console.log('exit', code))
    } else {
      pair().then(({ channel }) => {
        for (let index = 0; index < 100; index++) channel.send('x')
        setImmediate(() => process.exit(0))
      })
    }`
  expect(await runScript('cjs', script)).toEqual(clean('exit 0\n'))
})

test('real peers and simulated ones live side by side', async () => {
  const script = `${start}
    const { createPeer } = require('hawser')
    async function main() {
      const server = await createPeer({ listen: '127.0.0.1:0' })
      server.serve('real', (channel) => { channel.send('real') })
      const client = await createPeer({ listen: '127.0.0.1:0' })
      const { network, channel, accepted } = await pair()
      const real = await client.open(server.address, 'real')
      channel.send('simulated')
      console.log(String(await real.receive()), String(await accepted.receive()))
      await Promise.all([network.close(), client.close(), server.close()])
    }
    main()`
  expect(await runScript('cjs', script)).toEqual(clean('real simulated\n'))
})

test('what a listener or a rule throws is an uncaught exception, and stops nothing', async () => {
  const script = `${start}
    process.on('uncaughtException', (error) => console.log(error.message))
    async function main() {
      const { network, alice, channel, accepted } = await pair()
      network.once('packet', () => { throw new Error('from the listener') })
      const rule = network.drop({ where: () => { rule.remove(); throw new Error('from the rule') } })
      channel.send('hello')
      console.log(String(await accepted.receive()), rule.dropped)
      await network.close()
    }
    main()`
  expect(await runScript('cjs', script)).toEqual(
    clean('from the rule\nfrom the listener\nhello 0\n'),
  )
})
