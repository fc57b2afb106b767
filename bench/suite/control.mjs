// Questions and answers between the suite and its two processes, over the IPC channel of child_process. Also carries `signal` messages from one of the
// two to the other.

/** Something in a run went wrong, in words for the table. */
export class RunFailure extends Error {}

/** The suite's end of one process. */
export class Remote {
  onSignal = () => {}
  /** Rejects when the process ends, or complains. */
  failed
  #process
  #fail
  #name
  #asked = new Map()
  #lastId = 0
  #ended
  #errorText = ''

  constructor(process, name) {
    this.#process = process
    this.#name = name
    this.failed = new Promise((_, reject) => {
      this.#fail = reject
    })
    this.failed.catch(() => {})
    process.on('message', (message) => this.#receive(message))
    process.stderr?.on('data', (chunk) => {
      this.#errorText = (this.#errorText + chunk).slice(-4000)
    })
    const gone = (how) => this.#end(`the ${name} ${how}${this.#lastWords()}`)
    process.on('error', (error) => gone(`did not start: ${error.message}`))
    process.on('exit', (code, signal) => gone(`ended by ${signal ?? `exit code ${code}`}`))
  }

  #lastWords() {
    const lines = this.#errorText.trim().split('\n')
    const error = lines.find((line) => /Error|error:/.test(line)) ?? lines.at(-1)
    return error ? `: ${error.trim().slice(0, 300)}` : ''
  }

  #receive({ id, value, error, signal, fault }) {
    if (signal !== undefined) return this.onSignal(signal)
    if (fault !== undefined) return this.#end(fault)
    const waiting = this.#asked.get(id)
    this.#asked.delete(id)
    if (error === undefined) waiting?.resolve(value)
    else waiting?.reject(new RunFailure(error))
  }

  #end(fault) {
    this.#ended ??= new RunFailure(fault)
    this.#fail(this.#ended)
    for (const { reject } of this.#asked.values()) reject(this.#ended)
    this.#asked.clear()
  }

  /** Calls a command of the process; rejects with a RunFailure, also when there is no answer in `timeout` ms. */
  ask(command, argument = {}, timeout = 20_000) {
    if (this.#ended !== undefined) return Promise.reject(this.#ended)
    const id = ++this.#lastId
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#asked.delete(id)
        reject(
          new RunFailure(`no end of '${command}' in the ${this.#name} after ${timeout / 1000} s`),
        )
      }, timeout)
      this.#asked.set(id, {
        resolve: (value) => {
          clearTimeout(timer)
          resolve(value)
        },
        reject: (error) => {
          clearTimeout(timer)
          reject(error)
        },
      })
      if (this.#process.connected) this.#process.send({ id, command, argument }, () => {})
    })
  }

  signal(data) {
    if (this.#process.connected) this.#process.send({ signal: data }, () => {})
  }

  /** Ends the process, and resolves when it is gone. */
  async end() {
    const { exitCode, signalCode } = this.#process
    if (exitCode !== null || signalCode !== null) return
    const gone = new Promise((resolve) => this.#process.once('exit', resolve))
    this.#process.kill('SIGKILL')
    await gone
  }
}

/** The process's end: answers by the function of `commands` that has the command's name. */
export function answer(commands, onSignal) {
  process.on('message', async ({ id, command, argument, signal }) => {
    if (signal !== undefined) return onSignal(signal)
    try {
      const value = await commands[command](argument)
      process.send({ id, value: value ?? null })
    } catch (error) {
      process.send({ id, error: error instanceof RunFailure ? error.message : String(error) })
    }
  })
  // Nobody is left to measure for.
  process.on('disconnect', () => process.exit(0))
}

/** Tells the suite about a failure that belongs to no question. */
export function complain(fault) {
  if (process.connected) process.send({ fault })
}
