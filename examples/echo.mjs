import { createPeer } from 'hawser'

const server = await createPeer()
server.serve('echo', async (channel) => {
  for await (const message of channel) await channel.write(message)
})

const client = await createPeer()
const channel = await client.open(server.address, 'echo')
channel.send('hello')
console.log(String(await channel.receive()))
await client.close()
await server.close()
