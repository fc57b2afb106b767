// What a peer means to its process: what keeps it running, what ends it, and what happens in workers.

import { runBody, runScript } from '../support/child'

const clean = { code: 0, signal: null, stderr: '' }

describe('a process ends by itself', () => {
  test('with a peer that has neither services nor channels', async () => {
    expect(await runBody(`await createPeer()`)).toMatchObject(clean)
  })

  test('with a service, once the peer is closed', async () => {
    expect(
      await runBody(`
        const peer = await createPeer()
        peer.serve('x', () => {})
        setTimeout(() => peer.close(), 50)
      `),
    ).toMatchObject(clean)
  })

  test('with a service, once that is closed', async () => {
    expect(
      await runBody(`
        const service = (await createPeer()).serve('x', () => {})
        setTimeout(() => service.close(), 50)
      `),
    ).toMatchObject(clean)
  })

  test('with a service and a channel, after unref', async () => {
    expect(
      await runBody(`
        const server = (await createPeer()).unref()
        server.serve('x', () => {})
        const client = (await createPeer()).unref()
        await client.open(server.address, 'x')
      `),
    ).toMatchObject(clean)
  })

  test('when nobody answers, with the error', async () => {
    const ended = await runBody(`
      const client = await createPeer()
      const address = 'hawser://' + Identity.generate().id + '@127.0.0.1:9'
      await client.open(address, 'x', { timeout: 100 })
    `)
    expect(ended.code).toBe(1)
    expect(ended.stderr).toContain("code: 'CONNECT_TIMEOUT'")
  })
})

describe('a process goes on', () => {
  const alive = `setTimeout(() => { console.log('still here'); process.exit() }, 200).unref()`

  test('with a service', async () => {
    const body = `${alive}; (await createPeer()).serve('x', () => {})`
    expect(await runBody(body)).toMatchObject({ ...clean, stdout: 'still here\n' })
  })

  test('with a service, after unref and ref', async () => {
    const body = `${alive}; (await createPeer()).unref().ref().serve('x', () => {})`
    expect(await runBody(body)).toMatchObject({ ...clean, stdout: 'still here\n' })
  })

  test('with an open channel', async () => {
    const body = `${alive}
      const server = (await createPeer()).unref()
      server.serve('x', () => {})
      const client = await createPeer()
      await client.open(server.address, 'x')`
    expect(await runBody(body)).toMatchObject({ ...clean, stdout: 'still here\n' })
  })

  test('while a channel is being opened', async () => {
    const body = `${alive}
      const client = await createPeer()
      client.open('hawser://' + Identity.generate().id + '@127.0.0.1:9', 'x')`
    expect(await runBody(body)).toMatchObject({ ...clean, stdout: 'still here\n' })
  })

  test('until everything was sent and the peer is closed', async () => {
    const ended = await runScript(
      'mjs',
      `import { createPeer } from 'hawser'
      const server = await createPeer()
      let bytes = 0
      server.serve('x', (channel) => channel.on('message', (message) => (bytes += message.length)))
      const client = await createPeer()
      const channel = await client.open(server.address, 'x')
      for (let count = 0; count < 1000; count++) channel.send(Buffer.alloc(1000))
      await client.close()
      await server.close()
      console.log(bytes)`,
    )
    expect(ended).toEqual({ ...clean, stdout: '1000000\n' })
  })
})

test("what a 'message' listener throws is an uncaught exception; the others get every message", async () => {
  const ended = await runBody(`
    process.on('uncaughtException', (error) => console.log('uncaught ' + error.message))
    const server = await createPeer()
    const opened = new Promise((resolve) => server.serve('x', resolve))
    const client = await createPeer()
    const channel = await client.open(server.address, 'x')
    const accepted = await opened
    const got = []
    accepted.on('message', (message) => {
      got.push(String(message))
      if (got.length === 1) throw new Error('at ' + message)
      if (got.length === 3) {
        console.log(got.join())
        client.destroy()
        server.destroy()
      }
    })
    for (const text of ['a', 'b', 'c']) channel.send(text)
  `)
  expect(ended).toMatchObject(clean)
  expect(ended.stdout.split('\n').sort()).toEqual(['', 'a,b,c', 'uncaught at a'])
})

// Counts sockets where the system shows them.
const onLinux = process.platform === 'linux' ? test : test.skip

onLinux('a peer that nobody holds is collected, and its sockets are closed', async () => {
  const ended = await runBody(
    `
    const fs = require('node:fs')
    const sockets = () => fs.readdirSync('/proc/self/fd').filter((fd) => {
      try { return fs.readlinkSync('/proc/self/fd/' + fd).startsWith('socket:') } catch { return false }
    }).length
    const kept = await createPeer({ listen: '127.0.0.1:0' })
    const before = sockets()
    for (let count = 0; count < 20; count++) await createPeer({ listen: '127.0.0.1:0' })
    const most = sockets()
    const serving = await createPeer({ listen: '127.0.0.1:0' })
    serving.serve('x', () => {})
    for (let tries = 0; tries < 100 && sockets() > before + 1; tries++) {
      gc()
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    console.log(most - before, sockets() - before)
    await kept.open(serving.address, 'x')
    kept.destroy()
    serving.destroy()
  `,
    '--expose-gc',
  )
  expect(ended).toEqual({ ...clean, stdout: '20 1\n' })
})

test('worker threads have peers of their own, and talk to each other', async () => {
  const ended = await runScript(
    'cjs',
    `const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads')
    const { createPeer } = require('hawser')
    async function main() {
      const peer = await createPeer({ listen: '127.0.0.1:0' })
      if (!isMainThread) {
        const channel = await peer.open(workerData, 'echo')
        channel.send('from a worker')
        parentPort.postMessage(String(await channel.receive()))
        await peer.close()
        return
      }
      peer.serve('echo', async (channel) => {
        for await (const message of channel) await channel.write(message)
      })
      const workers = [1, 2, 3].map(() => new Worker(__filename, { workerData: peer.address }))
      await Promise.all(workers.map((worker) => new Promise((resolve, reject) => {
        worker.on('message', (text) => console.log(text))
        worker.on('error', reject)
        worker.on('exit', resolve)
      })))
      await peer.close()
    }
    main()`,
  )
  expect(ended).toEqual({ ...clean, stdout: 'from a worker\n'.repeat(3) })
})

test('ES modules and CommonJS get the same classes', async () => {
  const ended = await runScript(
    'mjs',
    `import { createRequire } from 'node:module'
    import * as esm from 'hawser'
    const cjs = createRequire(import.meta.url)('hawser')
    console.log(Object.keys(cjs).every((name) => esm[name] === cjs[name]), Object.keys(cjs).sort().join())`,
  )
  expect(ended).toEqual({
    ...clean,
    stdout: 'true ChannelError,ConnectError,HawserError,Identity,OptionError,createPeer\n',
  })
})
