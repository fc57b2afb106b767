// Run in a folder where hawser is installed: two peers, a hundred messages there and back, through `require`
// and `import` of one instance. Must end by itself.

const assert = require('node:assert/strict')
const hawser = require('hawser')

async function main() {
  const { createPeer } = await import('hawser')
  assert.equal(createPeer, hawser.createPeer)

  const server = await createPeer()
  server.serve('echo', async (channel) => {
    for await (const message of channel) await channel.write(message)
  })
  const client = await createPeer()
  const channel = await client.open(server.address, 'echo')
  for (let i = 0; i < 100; i++) {
    await channel.write(`message ${i}`)
    assert.equal(String(await channel.receive()), `message ${i}`)
  }
  await client.close()
  await server.close()
  console.log(`node ${process.version}: 100 messages there and back`)
}

main().catch((error) => {
  console.error(`node ${process.version}:`, error)
  process.exitCode = 1
})
