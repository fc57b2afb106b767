// Where a run happens.
//
// lo     the loopback interface as it is: packets of 64 KiB that nothing cuts
// wire   the loopback interface of a network namespace with an MTU of 1500 and every segmentation offload off, so that each packet costs what it costs on a
//        network; with random loss in both directions if wanted. The fairer place. Needs root.
// cable  two network namespaces with an emulated link between them: rate, delay, jitter, loss. Needs root.

import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { missingTools, mustRun } from './tools.mjs'

export const placeNames = ['lo', 'wire', 'cable']

const host = '127.0.0.1'
const cableModule = fileURLToPath(new URL('../../test/lab/cable/index.mjs', import.meta.url))

/** What this machine lacks for a place; empty if nothing. */
export function lacking(name) {
  if (name === 'lo') return ''
  if (process.platform !== 'linux') return 'Linux'
  if (process.getuid() !== 0) return 'root'
  if (name === 'cable' && !fs.existsSync(cableModule)) return path.relative('.', cableModule)
  return missingTools('ip', 'ethtool', 'nft')
}

/** Loopback as it is. */
function openLo() {
  const spot = { host, prefix: [] }
  return {
    name: 'lo',
    spot: { sender: spot, receiver: spot },
    prepare: async () => {},
    close: async () => {},
  }
}

function openWire() {
  const namespace = `hawser-bench-${process.pid}`
  const prefix = ['ip', 'netns', 'exec', namespace]
  const inside = (...command) => mustRun(...prefix, ...command)
  mustRun('ip', 'netns', 'add', namespace)
  const close = async () => mustRun('ip', 'netns', 'del', namespace)
  try {
    inside('ip', 'link', 'set', 'lo', 'mtu', '1500', 'up')
    const offloads = ['tso', 'gso', 'gro', 'tx-udp-segmentation'].flatMap((name) => [name, 'off'])
    inside('ethtool', '-K', 'lo', ...offloads)
  } catch (error) {
    close()
    throw error
  }
  const spot = { host, prefix }
  let lossNow = 0
  return {
    name: 'wire',
    spot: { sender: spot, receiver: spot },
    /** Loses the part `loss` of all packets from now on. Where they come in: one that is dropped on its way out is an error of its sender. */
    async prepare({ loss = 0 } = {}) {
      if (loss === lossNow) return
      inside('nft', 'flush', 'ruleset')
      if (loss > 0) {
        const drop = `numgen random mod 1000 < ${Math.round(loss * 1000)} drop`
        const hook = 'type filter hook input priority 0'
        inside('nft', `table inet bench {\nchain in {\n${hook}\n${drop}\n}\n}`)
      }
      lossNow = loss
    },
    close,
  }
}

/** 100 Mbit/s, 25 ms each way with 5 ms of jitter, a queue of one bandwidth-delay product. */
const cablePath = { rate: '100mbit', delayMs: 25, jitterMs: 5, queueBytes: 625_000, seed: 1 }

async function openCable() {
  const { cable } = await import(pathToFileURL(cableModule).href)
  let opened
  const place = {
    name: 'cable',
    spot: undefined,
    /** A new cable for each run, so that none inherits another's queue or random numbers. */
    async prepare({ loss = 0 } = {}) {
      await place.close()
      opened = await cable({ ...cablePath, loss })
      const spot = (namespace, address) => ({
        host: address,
        prefix: ['ip', 'netns', 'exec', namespace],
      })
      place.spot = {
        sender: spot(opened.left, opened.leftAddress),
        receiver: spot(opened.right, opened.rightAddress),
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

/** Opens a place: `{ name, spot, prepare({ loss }), close }`. */
export async function openPlace(name) {
  return { lo: openLo, wire: openWire, cable: openCable }[name]()
}
