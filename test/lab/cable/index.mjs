// A cable between two network namespaces, with the faults of a real one.

import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { built } from '../build.mjs'
import { call, namespaces, prefix } from '../namespaces.mjs'
import { asCommand, change, directions, readOptions } from './options.mjs'

export { CableOptionError } from './options.mjs'

const device = 'cable'
const ends = {
  left: { address: '198.51.100.1', mac: '02:00:5e:10:00:01' },
  right: { address: '198.51.100.2', mac: '02:00:5e:10:00:02' },
}

/** Builds the program, if that was not done yet. Needs CMake and a C++20 compiler. */
export function build() {
  return built({ source: 'test/lab/cable', build: 'build-lab/cable', target: 'hawser_cable' })
}

/** The running program: lines out, lines in. */
class Program {
  #child
  #waiting = new Map()
  #requests = 0
  #errors = ''
  #ended
  ready

  constructor(file, args) {
    this.#child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true })
    this.#child.stdin.on('error', () => {}) // told by 'close'
    this.#child.stderr.setEncoding('utf8').on('data', (text) => {
      this.#errors += text
    })
    this.ready = new Promise((resolve, reject) => this.#waiting.set(0, { resolve, reject }))
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      const { id = 0, error, ...answer } = JSON.parse(line)
      const { resolve, reject } = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error === undefined) resolve(answer)
      else reject(new Error(`cable: ${error}`))
    })
    this.#ended = new Promise((resolve) => {
      const end = (why) => {
        for (const { reject } of this.#waiting.values()) reject(new Error(why))
        this.#waiting.clear()
        resolve()
      }
      this.#child.once('error', (error) => end(error.message))
      this.#child.once('close', (code, signal) => {
        end(this.#errors.trim() || `the cable's program has ended (${code ?? signal})`)
      })
    })
  }

  get pid() {
    return this.#child.pid
  }

  request(command) {
    const id = ++this.#requests
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
      return Promise.reject(new Error('the cable is closed'))
    }
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#child.stdin.write(`${JSON.stringify({ id, ...command })}\n`)
    })
  }

  close() {
    this.#child.stdin.end()
    return this.#ended
  }
}

function plug(name, mine, other, mtu) {
  return call(
    'sh',
    '-c',
    `ip -n ${name} -batch - <<END
link set ${device} address ${mine.mac} mtu ${mtu} txqueuelen 10000 up
address add ${mine.address}/24 dev ${device}
neighbour replace ${other.address} lladdr ${other.mac} nud permanent dev ${device}
END`,
  )
}

/**
 * Opens a cable between two new network namespaces. Needs root; see `missing` in ../places.mjs.
 * The types and what each option means are in index.d.mts.
 */
export async function cable(options = {}) {
  let current = readOptions(options)
  const file = await build()
  const { names, close: remove } = await namespaces('left', 'right')
  const [left, right] = names
  let program
  const close = async () => {
    await program?.close()
    await remove()
  }
  const apply = (wanted) =>
    Promise.all(
      directions.map((direction) =>
        program.request({ command: 'set', direction, ...asCommand(wanted[direction]) }),
      ),
    )
  let realtime
  try {
    const { interfaceMtu, seed } = current
    program = new Program(file, [left, right, device, String(interfaceMtu), String(seed)])
    realtime = (await program.ready).realtime
    await apply(current)
    await Promise.all([
      plug(left, ends.left, ends.right, interfaceMtu),
      plug(right, ends.right, ends.left, interfaceMtu),
    ])
  } catch (error) {
    await close()
    throw error
  }
  let closing
  return {
    left,
    right,
    leftAddress: ends.left.address,
    rightAddress: ends.right.address,
    inLeft: prefix(left),
    inRight: prefix(right),
    device,
    pid: program.pid,
    realtime,
    async set(changes) {
      const wanted = change(current, changes)
      await apply(wanted)
      current = wanted
    },
    async stats() {
      return program.request({ command: 'stats' })
    },
    close() {
      closing ??= close()
      return closing
    },
  }
}
