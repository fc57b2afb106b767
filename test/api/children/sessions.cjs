// A peer with one identity dials again and again, each time before its last session is gone. Prints how many session
// objects are left.

const v8 = require('node:v8')
const path = require('node:path')
const dist = path.join(process.argv[2], 'dist')
const { createPeer, Identity } = require(dist)
const { Session } = require(path.join(dist, 'session.js'))

async function main() {
  const listen = '127.0.0.1:0'
  const server = await createPeer({ listen })
  server.serve('in', () => {})
  const identity = Identity.generate()
  let before = await createPeer({ identity, listen })
  await before.open(server.address, 'in')
  for (let time = 0; time < 30; time++) {
    const next = await createPeer({ identity, listen })
    await next.open(server.address, 'in')
    await before.close()
    before = next
  }
  while (server.stats().sessions.length > 1) await new Promise((done) => setTimeout(done, 20))
  process.stdout.write(String(v8.queryObjects(Session, { format: 'count' })))
  process.exit()
}

main()
