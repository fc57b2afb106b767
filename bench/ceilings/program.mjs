// The programs that are measured: built, started in pairs, and their reports read.

import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { built } from '../../test/lab/build.mjs'
import { prefix } from '../../test/lab/namespaces.mjs'

/** Builds the program, if that was not done yet. Needs CMake, a C++20 compiler and OpenSSL's headers. */
export function build() {
  return built({
    source: 'bench/ceilings',
    build: 'build-bench/ceilings',
    target: 'hawser_ceiling',
  })
}

/** A command as it runs at a place: here, or in a network namespace. */
export const at = (place, ...command) => (place === 'lo' ? command : [...prefix(place), ...command])

/** A process that writes text and ends. */
export class Running {
  #child
  #stdout = ''
  #stderr = ''
  ended

  constructor([command, ...args]) {
    this.#child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child.stdout.setEncoding('utf8').on('data', (text) => {
      this.#stdout += text
    })
    this.#child.stderr.setEncoding('utf8').on('data', (text) => {
      this.#stderr += text
    })
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject)
      this.#child.once('close', (code, signal) => {
        if (code === 0) resolve(this.#stdout)
        else {
          const why = this.#stderr.trim() || this.#stdout.trim()
          reject(new Error(`${[command, ...args].join(' ')} (${code ?? signal}): ${why}`))
        }
      })
    })
    this.ended.catch(() => {}) // told to whoever waits for it
  }

  /** Its first line; rejects if it ends without one. */
  async firstLine() {
    const line = new Promise((resolve) => {
      const lines = createInterface({ input: this.#child.stdout })
      lines.once('line', (text) => {
        resolve(text)
        lines.close()
        this.#child.stdout.resume()
      })
    })
    return Promise.race([line, this.ended.then(() => Promise.reject(new Error('no line')))])
  }

  kill() {
    this.#child.kill('SIGKILL')
  }
}

const report = (text) => JSON.parse(text.trim().split('\n').at(-1))

/**
 * Runs two roles of the program against each other.
 * @returns {Promise<{ listener: object, caller: object }>} What each reported.
 */
export async function pair({ place, listen, call }) {
  const program = await build()
  const listener = new Running(at(place, program, ...listen))
  let caller
  try {
    const { port } = JSON.parse(await listener.firstLine())
    caller = new Running(at(place, program, ...call, '--port', String(port)))
    const [called, listened] = await Promise.all([caller.ended, listener.ended])
    return { listener: report(listened), caller: report(called) }
  } finally {
    listener.kill()
    caller?.kill()
  }
}
