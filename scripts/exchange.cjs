// Two processes in a folder where hawser is installed, under different runtimes perhaps:
//
//   exchange.cjs keys                makes server.key and client.key
//   exchange.cjs serve               says its address in a line, and serves until its input ends
//   exchange.cjs call ADDRESS        a hundred messages there and back
//
// The server lets in who has client.key and nobody else, and the caller reaches who has server.key or nobody.
// The addon finds its OpenSSL as everywhere; the last line says which.

const assert = require('node:assert/strict')
const path = require('node:path')
const { createPeer, Identity } = require('hawser')

const { bun, deno, node } = process.versions
const runtime = bun ? `bun ${bun}` : deno ? `deno ${deno}` : `node ${node}`

function openssl() {
  const { version, linked } = require('node-gyp-build')(
    path.join(__dirname, 'node_modules', 'hawser'),
  ).openssl()
  return `${version}${linked ? ', linked in' : ''}`
}

async function serve() {
  const { id } = await Identity.load('client.key')
  const peer = await createPeer({ identity: 'server.key', listen: '127.0.0.1:0' })
  peer.serve('echo', { allow: [id] }, async (channel) => {
    assert.equal(channel.remote.id, id)
    for await (const message of channel) await channel.write(message)
  })
  console.log(String(peer.address))
  process.stdin.resume()
  await new Promise((resolve) => process.stdin.once('end', resolve))
  await peer.close()
}

async function call(address) {
  const stranger = await createPeer()
  await assert.rejects(
    stranger.open(address, 'echo').then((channel) => channel.receive()),
    { code: 'SERVICE_REFUSED' },
  )
  await stranger.close()

  const { id } = await Identity.load('server.key')
  const peer = await createPeer({ identity: 'client.key' })
  const channel = await peer.open(address, 'echo')
  assert.equal(channel.remote.id, id)
  for (let i = 0; i < 100; i++) {
    const message = Buffer.alloc(1 + i * 97, i)
    await channel.write(message)
    assert.deepEqual(Buffer.from(await channel.receive()), message)
  }
  await peer.close()
}

async function main([what, address]) {
  if (what === 'serve') await serve()
  else if (what === 'call') await call(address)
  else for (const name of ['server', 'client']) await Identity.generate().save(`${name}.key`)
  if (what !== 'keys') console.error(`${runtime}, ${openssl()}: ${what} done`)
}

main(process.argv.slice(2)).catch((error) => {
  console.error(`${runtime}:`, error)
  process.exitCode = 1
})
