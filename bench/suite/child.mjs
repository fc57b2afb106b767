// One of the two processes of a run: the sender or the receiver of a workload, over one contender.
//
// Its commands: `begin` says what it is; `listen` or `connect` open the sessions; all others are those of the workload's role.

import { answer, complain } from './control.mjs'

const signal = {
  onSignal: () => {},
  send: (data) => process.send({ signal: data }),
}

/** What a role gets to work with. */
const context = {
  /** The links in the order of their sessions; on the listening side in that of their arrival. */
  links: [],
  /** Second channels. */
  seconds: [],
  contender: undefined,
  complain,
  collect: () => globalThis.gc?.(),
}

let adapter
let role = {}
let settings
let waiting = []

function arrived() {
  const still = waiting.filter(({ enough, resolve }) => {
    if (!enough()) return true
    resolve()
    return false
  })
  waiting = still
}

function until(enough) {
  if (enough()) return undefined
  return new Promise((resolve) => waiting.push({ enough, resolve }))
}

function adopt(link) {
  link.onClose = (error) => {
    complain(`the session ended: ${error?.message ?? 'closed by the other side'}`)
  }
  return link
}

const commands = {
  async begin(argument) {
    settings = argument
    context.contender = argument.contender
    const { adapters } = await import(argument.contender.file)
    adapter = adapters[argument.contender.adapter ?? argument.contender.name]
    const { roles } = await import(argument.workload)
    role = roles[argument.role](context)
  },

  async listen({ count }) {
    const { host, purpose } = settings
    const onLink = (link, { second = false } = {}) => {
      const place = second ? context.seconds : context.links
      place.push(adopt(link))
      role.linked?.(link, { second, index: place.length - 1 })
      arrived()
    }
    const { address } = await adapter.listen({ host, purpose, count, signal, onLink })
    return address
  },

  /** Opens sessions until `count` are there, `concurrency` at a time. Resolves to the seconds it took. */
  async connect({ address, count = 1, concurrency = 1 }) {
    const { connectTo: host, host: from, purpose } = settings
    const started = performance.now()
    let index = context.links.length
    const worker = async () => {
      while (index < count) {
        const mine = index++
        const link = await adapter.connect({ host, from, address, purpose, index: mine, signal })
        context.links[mine] = adopt(link)
        role.linked?.(link, { second: false, index: mine })
      }
    }
    await Promise.all(Array.from({ length: Math.min(concurrency, count) }, worker))
    return (performance.now() - started) / 1000
  },

  /** On the listening side: resolves when so many sessions have come. */
  async linked({ count = 1, seconds = 0 }) {
    await until(() => context.links.length >= count && context.seconds.length >= seconds)
  },
}

answer(
  new Proxy(commands, {
    get: (own, name) =>
      own[name] ?? role[name] ?? (() => Promise.reject(new Error(`no command ${name}`))),
  }),
  (data) => signal.onSignal(data),
)

process.on('uncaughtException', (error) => {
  console.error(error)
  complain(`uncaught ${error?.message ?? error}`)
})
process.on('unhandledRejection', (error) => {
  console.error(error)
  complain(`unhandled ${error?.message ?? error}`)
})
