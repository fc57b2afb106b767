// Sends or receives numbered datagrams, driven by a test through `Child.call`.

const dgram = require('node:dgram')
const { expose } = require('../../support/children/remote.cjs')

const socket = dgram.createSocket({
  type: 'udp4',
  recvBufferSize: 4 << 20,
  sendBufferSize: 4 << 20,
})
let next = 0
const numbers = []
let onMessage = () => {}

socket.on('message', (message) => {
  numbers.push(message.readUInt32LE(0))
  onMessage()
})

const sendOne = (message) =>
  new Promise((resolve, reject) => {
    socket.send(message, (error) => (error === null ? resolve() : reject(error)))
  })

expose({
  listen: (address) =>
    new Promise((resolve) => socket.bind(0, address, () => resolve(socket.address().port))),
  connect: ({ address, port }) =>
    new Promise((resolve) => socket.connect(port, address, () => resolve())),
  async send({ count, bytes }) {
    for (let sent = 0; sent < count; sent++) {
      const message = Buffer.alloc(bytes)
      message.writeUInt32LE(next++, 0)
      await sendOne(message)
    }
  },
  /** Waits for as many; there may be more. */
  received: (count) =>
    new Promise((resolve) => {
      onMessage = () => {
        if (numbers.length >= count) resolve([...numbers])
      }
      onMessage()
    }),
})
