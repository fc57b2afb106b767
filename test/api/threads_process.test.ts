// What a peer with several engines means to its process: threads must neither keep it, nor outlive what they work for.

import { runBody, runScript } from '../support/child'

jest.setTimeout(60_000)

const clean = { code: 0, signal: null, stderr: '' }

const busy = (driver: string, threads: number) => `
  const engine = { driver: '${driver}', threads: ${threads} }
  const server = await createPeer({ listen: '127.0.0.1:0', engine })
  server.serve('echo', async (channel) => {
    for await (const message of channel) await channel.write(message)
  })
  for (let count = 0; count < 6; count++) {
    const client = await createPeer({ listen: '127.0.0.1:0', engine: { driver: '${driver}' } })
    const channel = await client.open(server.address, 'echo')
    channel.on('message', () => channel.send(Buffer.alloc(1000)))
    for (let sent = 0; sent < 50; sent++) channel.send(Buffer.alloc(1000))
  }
`

test('a process ends by itself', async () => {
  expect(await runBody(`await createPeer({ engine: { threads: 3 } })`)).toMatchObject(clean)
})

test('a process goes on with a service, and ends once the peer is closed', async () => {
  const ended = await runBody(`
    const peer = await createPeer({ engine: { threads: 3 } })
    peer.serve('x', () => {})
    setTimeout(() => { console.log('still here'); peer.close() }, 200).unref()
  `)
  expect(ended).toEqual({ ...clean, stdout: 'still here\n' })
})

test.each(['auto', 'thread'])(
  'a process ends in the middle of everything, %s driver',
  async (driver) => {
    const ended = await runBody(`${busy(driver, 4)}; setTimeout(() => process.exit(7), 100)`)
    expect(ended).toEqual({ ...clean, code: 7, stdout: '' })
  },
)

test.each(['auto', 'thread'])(
  'a worker ends in the middle of everything, %s driver',
  async (driver) => {
    const ended = await runScript(
      'cjs',
      `const { Worker, isMainThread, parentPort } = require('node:worker_threads')
    const { readdirSync } = require('node:fs')
    const { createPeer } = require('hawser')
    async function main() {
      if (!isMainThread) {
        ${busy(driver, 3)}
        parentPort.postMessage('busy')
        return
      }
      const work = async () => {
        const worker = new Worker(__filename)
        await new Promise((resolve) => worker.once('message', resolve))
        await new Promise((resolve) => setTimeout(resolve, 20))
        await worker.terminate()
      }
      const threads = () => process.platform === 'linux' ? readdirSync('/proc/self/task').length : 0
      await work()
      const before = threads()
      for (let count = 0; count < 4; count++) await work()
      console.log(threads() - before)
    }
    main()`,
    )
    expect(ended).toEqual({ ...clean, stdout: '0\n' })
  },
)

test('a peer that nobody has any more is collected, and its threads end', async () => {
  const ended = await runBody(
    `
    const { readdirSync } = require('node:fs')
    const threads = () => readdirSync('/proc/self/task').length
    await createPeer({ listen: '127.0.0.1:0' })
    if (process.platform !== 'linux') return console.log('gone')
    const before = threads()
    await (async () => { await createPeer({ listen: '127.0.0.1:0', engine: { threads: 4 } }) })()
    if (threads() < before + 8) throw new Error('where are its threads?')
    for (let tries = 0; tries < 200 && threads() > before; tries++) {
      gc()
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    console.log(threads() > before ? 'still there' : 'gone')
  `,
    '--expose-gc',
  )
  expect(ended).toEqual({ ...clean, stdout: 'gone\n' })
})

test('a peer with several engines does not mind how the other peers run', async () => {
  const ended = await runBody(`
    const one = await createPeer({ engine: { driver: 'hybrid' } })
    await createPeer({ engine: { driver: 'thread', threads: 2 } })
    console.log(await createPeer({ engine: { driver: 'thread' } }).catch(({ option }) => option))
  `)
  expect(ended).toEqual({ ...clean, stdout: 'engine.driver\n' })
})
