// What the steps of a life have in common.

const { createPeer } = require('hawser')
const { readdirSync } = require('node:fs')
const path = require('node:path')

const driver = process.argv[3] ?? 'hybrid'
const engine = { driver }
const workerScript = path.join(__dirname, 'worker.cjs')

const say = (line) => process.stdout.write(`${line}\n`)

function check(condition, what) {
  if (!condition) throw new Error(`not so: ${what}`)
}

const makePeer = (options = {}) => createPeer({ listen: '127.0.0.1:0', engine, ...options })

/** Two peers and a channel between them. */
async function makePair(options = {}) {
  const [server, client] = await Promise.all([makePeer(options), makePeer(options)])
  const accepted = new Promise((resolve) => server.serve('test', resolve))
  const channel = await client.open(server.address, 'test')
  return { server, client, channel, accepted: await accepted }
}

/** Sends without an end, until the channel is gone. */
async function pour(channel) {
  const message = Buffer.alloc(1_000, 1)
  try {
    for (;;) {
      for (let count = 0; count < 50; count++) await channel.write(message)
      await new Promise(setImmediate)
    }
  } catch (error) {
    check(error.code !== undefined, `an error of Hawser: ${error.stack}`)
  }
}

/** Calls `work` at the n-th message of a channel that is being poured into. */
function atMessage(channel, number, work) {
  let count = 0
  channel.on('message', (message) => {
    if (++count === number) work(message)
  })
}

/** Traffic both ways between two peers; `work` is called in the middle of it, in a 'message' listener. */
async function inTransfer(work, options) {
  const pair = await makePair(options)
  atMessage(pair.accepted, 2_000, () => work(pair))
  pair.channel.on('message', () => {})
  await Promise.all([pour(pair.channel), pour(pair.accepted)])
  return pair
}

async function echo(channel) {
  for await (const message of channel) await channel.write(message)
  await channel.end()
}

/** One message there and back. */
async function talk(channel, text = 'hello') {
  await channel.write(text)
  const answer = await channel.receive()
  check(String(answer) === text, `'${text}' came back, not '${answer}'`)
}

const count = (folder) => readdirSync(folder).length
const openFiles = () => count('/proc/self/fd')
const turn = () => new Promise((resolve) => setTimeout(resolve, 5))

module.exports = {
  engine,
  driver,
  workerScript,
  say,
  check,
  makePeer,
  makePair,
  pour,
  atMessage,
  inTransfer,
  echo,
  talk,
  openFiles,
  turn,
}
