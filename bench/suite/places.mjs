// Where a run happens.
//
// lo     the loopback interface as it is: packets of 64 KiB that nothing cuts; for root in a network namespace, for TCP's congestion control
// wire   the loopback interface of a network namespace with an MTU of 1500 and every segmentation offload off, so that each packet costs what it costs on a
//        network; with random loss in both directions if wanted. The fairer place. Needs root.
// cable  two network namespaces with an emulated link between them: rate, delay, jitter, loss. Needs root.

import fs from 'node:fs'
import { loopback, wire } from '../../test/lab/places.mjs'
import { canRoute, routeWith } from './congestion.mjs'
import { missingTools } from './tools.mjs'

export const placeNames = ['lo', 'wire', 'cable']

const host = '127.0.0.1'

/** The laboratory's, which is loaded only when it is needed: it builds a program. */
const cableModule = new URL('../../test/lab/cable/index.mjs', import.meta.url)

/** What this machine lacks for a place; empty if nothing. */
export function lacking(name) {
  if (name === 'lo') return ''
  if (process.platform !== 'linux') return 'Linux'
  const tools = name === 'cable' ? ['ip', 'flock', 'cmake', 'g++'] : ['ip', 'ethtool', 'nft']
  const lacks = [missingTools(...tools)]
  if (process.getuid() !== 0) lacks.unshift('root')
  if (name === 'cable' && !fs.existsSync('/dev/net/tun')) lacks.unshift('/dev/net/tun')
  return lacks.filter(Boolean).join(', ')
}

/** The kernel's own route to 127.0.0.1, which is the one that counts. */
const ownRoute = 'table local local 127.0.0.1 dev lo proto kernel scope host src 127.0.0.1'.split(
  ' ',
)

/** What makes TCP connections within a namespace use a controller; nothing is done where nothing changes. */
function controllerOf(namespace) {
  let now
  return (name) => {
    if (name === now) return
    routeWith(namespace, ownRoute, name)
    now = name
  }
}

/** Loopback as it is. */
async function openLo() {
  if (!canRoute()) {
    const spot = { host, prefix: [] }
    return {
      name: 'lo',
      spot: { sender: spot, receiver: spot },
      prepare: async () => {},
      useController() {},
      close: async () => {},
    }
  }
  const { namespace, address, exec, close } = await loopback()
  const spot = { host: address, prefix: exec }
  return {
    name: 'lo',
    namespace,
    spot: { sender: spot, receiver: spot },
    prepare: async () => {},
    useController: controllerOf(namespace),
    close,
  }
}

async function openWire() {
  const { namespace, address, exec, loss: lose, close } = await wire()
  const spot = { host: address, prefix: exec }
  let lossNow = 0
  return {
    name: 'wire',
    namespace,
    spot: { sender: spot, receiver: spot },
    /** Loses the part `loss` of all packets from now on. */
    async prepare({ loss = 0 } = {}) {
      if (loss !== lossNow) await lose(loss)
      lossNow = loss
    },
    useController: controllerOf(namespace),
    close,
  }
}

/** 100 Mbit/s, 25 ms each way with 5 ms of jitter. */
const cablePath = { rate: '100mbit', delayMs: 25, jitterMs: 5, seed: 1 }
const cableProduct = 625_000

async function openCable() {
  const { cable } = await import(cableModule.href)
  let opened
  const place = {
    name: 'cable',
    spot: undefined,
    /**
     * A new cable for each run, so that none inherits another's queue or random numbers. `queue`: what may wait at its entrance, in bandwidth-delay products.
     */
    async prepare({ loss = 0, queue = 1 } = {}) {
      await place.close()
      opened = await cable({ ...cablePath, loss, queueBytes: queue * cableProduct })
      place.spot = {
        sender: { host: opened.leftAddress, prefix: opened.inLeft },
        receiver: { host: opened.rightAddress, prefix: opened.inRight },
      }
    },
    useController(name) {
      if (name === undefined) return
      const ends = { [opened.left]: opened.leftAddress, [opened.right]: opened.rightAddress }
      for (const [namespace, address] of Object.entries(ends)) {
        const route = `198.51.100.0/24 dev ${opened.device} proto kernel scope link src ${address}`
        routeWith(namespace, route.split(' '), name)
      }
    },
    async close() {
      const closing = opened
      opened = undefined
      await closing?.close()
    },
  }
  return place
}

/** Opens a place: `{ name, spot, prepare({ loss, queue }), useController(name), close }`; the controller is that of TCP connections made from then on, `undefined` the system's. */
export async function openPlace(name) {
  return { lo: openLo, wire: openWire, cable: openCable }[name]()
}
