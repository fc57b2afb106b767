// A UDP socket for many small datagrams: no look-ups, no callbacks, large buffers.

import dgram from 'node:dgram'
import { isIPv6 } from 'node:net'

/** Asked for; the system may give less. Bytes. */
const bufferBytes = 4 << 20

export interface Remote {
  readonly address: string
  readonly port: number
}

export interface SocketOptions {
  readonly host: string
  readonly port: number
  onDatagram(datagram: Buffer, from: Remote): void
  /** All datagrams that were there have been handed over. */
  onBatch(): void
}

export class Socket {
  readonly #socket: dgram.Socket
  readonly #options: SocketOptions
  #inBatch = false
  #isOpen = true

  private constructor(socket: dgram.Socket, options: SocketOptions) {
    this.#socket = socket
    this.#options = options
    socket.on('message', (datagram, from) => this.#onMessage(datagram, from))
    // What ICMP says is not authentic, and what cannot be sent is lost, as on any path.
    socket.on('error', () => {})
  }

  /** `host` is an address, not a name. */
  static open(options: SocketOptions): Promise<Socket> {
    const { host, port } = options
    return new Promise((resolve, reject) => {
      const socket = dgram.createSocket({
        type: isIPv6(host) ? 'udp6' : 'udp4',
        recvBufferSize: bufferBytes,
        sendBufferSize: bufferBytes,
        // Addresses need none, and the default one gives its answer in a later turn.
        lookup: (address, _, callback) => callback(null, address, isIPv6(address) ? 6 : 4),
      })
      socket.once('error', reject)
      socket.bind(port, host, () => {
        socket.off('error', reject)
        resolve(new Socket(socket, options))
      })
    })
  }

  get port(): number {
    return this.#socket.address().port
  }

  #onMessage(datagram: Buffer, from: Remote): void {
    if (!this.#inBatch) {
      this.#inBatch = true
      setImmediate(() => {
        this.#inBatch = false
        if (this.#isOpen) this.#options.onBatch()
      })
    }
    this.#options.onDatagram(datagram, from)
  }

  /** From now on datagrams come from there alone, and {@link send} sends them there. */
  connect({ address, port }: Remote): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.connect(port, address, ((error?: Error) => {
        if (error) reject(error)
        else resolve()
      }) as () => void)
    })
  }

  send(datagram: Buffer): void {
    if (this.#isOpen) this.#socket.send(datagram)
  }

  sendTo(datagram: Buffer, { address, port }: Remote): void {
    if (this.#isOpen) this.#socket.send(datagram, port, address)
  }

  /** Does not keep the process alive any longer. */
  unref(): void {
    this.#socket.unref()
  }

  close(): Promise<void> {
    if (!this.#isOpen) return Promise.resolve()
    this.#isOpen = false
    return new Promise((resolve) => this.#socket.close(() => resolve()))
  }
}
