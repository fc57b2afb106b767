// A UDP proxy between two peers: whoever sends to its port is passed on to the target, and answers come back. What it
// does to the datagrams on the way is up to the test.

import dgram from 'node:dgram'
import { isIPv6 } from 'node:net'

type Address = { address: string; port: number }

/** Datagrams towards the target (`up`) or back (`down`). */
export type Direction = 'up' | 'down'

export interface Passage {
  readonly direction: Direction
  readonly datagram: Buffer
  /** Number of the datagram in its direction, from 1. */
  readonly number: number
  /** Sends a datagram on, with the right source address. May be called any number of times, at any time. */
  pass(datagram: Buffer): void
  /** The same from an address that the receiver does not know. */
  passAsStranger(datagram: Buffer): void
}

const open = new Set<UdpProxy>()

afterEach(() => {
  for (const proxy of open) proxy.close()
})

export class UdpProxy {
  readonly port: number
  readonly #front: dgram.Socket
  readonly #stranger: dgram.Socket
  /** One socket towards the target for each client. */
  readonly #backs = new Map<string, dgram.Socket>()
  readonly #target: Address
  readonly #handle: (passage: Passage) => void
  readonly #counts = { up: 0, down: 0 }

  private constructor(
    front: dgram.Socket,
    stranger: dgram.Socket,
    target: Address,
    handle: (passage: Passage) => void,
  ) {
    this.#front = front
    this.#stranger = stranger
    this.#target = target
    this.#handle = handle
    this.port = front.address().port
    front.on('message', (datagram, from) => this.#onClient(datagram, from))
    open.add(this)
  }

  static async start(target: Address, handle: (passage: Passage) => void): Promise<UdpProxy> {
    const family = target.address
    return new UdpProxy(await bound(family), await bound(family), target, handle)
  }

  #onClient(datagram: Buffer, from: Address): void {
    this.#run('up', datagram, (copy, asStranger) => {
      if (asStranger) this.#send(this.#stranger, copy, this.#target)
      else this.#back(from).then((back) => this.#send(back, copy, this.#target))
    })
  }

  readonly #starting = new Map<string, Promise<dgram.Socket>>()

  #back(client: Address): Promise<dgram.Socket> {
    const key = `${client.address} ${client.port}`
    let starting = this.#starting.get(key)
    if (starting === undefined) {
      starting = bound(this.#target.address).then((socket) => {
        this.#backs.set(key, socket)
        socket.on('message', (datagram) => {
          this.#run('down', datagram, (copy, asStranger) => {
            this.#send(asStranger ? this.#stranger : this.#front, copy, client)
          })
        })
        return socket
      })
      this.#starting.set(key, starting)
    }
    return starting
  }

  /**
   * As a NAT that has forgotten its clients: what they send from now on reaches the target from another port, and answers
   * to the one before reach nobody.
   */
  /** The ports that the target sees, of one client each. */
  get backPorts(): number[] {
    return [...this.#backs.values()].map((socket) => socket.address().port)
  }

  rebind(): void {
    for (const socket of this.#backs.values()) socket.close()
    this.#backs.clear()
    this.#starting.clear()
  }

  #run(direction: Direction, datagram: Buffer, send: (copy: Buffer, stranger: boolean) => void) {
    this.#handle({
      direction,
      datagram,
      number: ++this.#counts[direction],
      pass: (copy) => send(copy, false),
      passAsStranger: (copy) => send(copy, true),
    })
  }

  #send(socket: dgram.Socket, datagram: Buffer, to: Address): void {
    if (!open.has(this)) return
    // A full socket buffer or a peer that is gone: lost, as on any network.
    socket.send(datagram, to.port, to.address, () => {})
  }

  close(): void {
    if (!open.delete(this)) return
    for (const socket of [this.#front, this.#stranger, ...this.#backs.values()]) socket.close()
  }
}

/** A socket on the loopback address of the family that `like` has. */
export function bound(like: string): Promise<dgram.Socket> {
  return new Promise((resolve, reject) => {
    const socket = dgram.createSocket(isIPv6(like) ? 'udp6' : 'udp4')
    socket.once('error', reject)
    socket.bind(0, isIPv6(like) ? '::1' : '127.0.0.1', () => {
      socket.off('error', reject)
      socket.on('error', () => {})
      resolve(socket)
    })
  })
}
