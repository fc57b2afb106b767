// Both sides of a workload of the benchmark in this process, over a link of the test's own: what a message costs, and when it arrives, is up to the test.

// biome-ignore lint/suspicious/noExplicitAny: plain modules, without types
export const bench = (file: string): any => require(`../../bench/${file}.mjs`)

type Handler = (message: Buffer) => void

/** One end of a session. What it sends arrives after the event loop's turn, in order. */
export class End {
  onMessage: Handler = () => {}
  onDrain = () => {}
  other: End | undefined
  /** Is told of every message before it goes. */
  onSend: (message: Buffer) => void = () => {}

  send(message: Buffer): boolean {
    this.onSend(message)
    const copy = Buffer.from(message)
    setImmediate(() => this.other?.onMessage(copy))
    return true
  }

  pause(): void {}
  resume(): void {}
  repeats() {
    return {}
  }
}

export type Links = [here: End, there: End]

function linked(): Links {
  const [here, there] = [new End(), new End()]
  here.other = there
  there.other = here
  return [here, there]
}

interface Options {
  readonly settings: object
  readonly contender?: object
  /** Makes one session: the sender's end and the receiver's. */
  readonly link?: () => Links
  /** Is told of every session. */
  readonly onLinks?: (links: Links) => void
}

/** Runs a workload once. Resolves to its metrics. */
export function runHere(name: string, { settings, contender, link = linked, onLinks }: Options) {
  const { roles, workload } = bench(`workloads/${name}`)
  const context = (links: End[]) => ({
    links,
    seconds: [],
    contender: { reliable: true, ...contender },
    complain(fault: string) {
      throw new Error(fault)
    },
    collect: () => {},
  })
  const own = { sender: [] as End[], receiver: [] as End[] }
  const role = {
    sender: roles.sender(context(own.sender)),
    receiver: roles.receiver(context(own.receiver)),
  }
  const connect = ({ count = 1 }) => {
    for (let index = 0; index < count; index++) {
      const [here, there] = link()
      own.sender.push(here)
      own.receiver.push(there)
      role.sender.linked?.(here, { second: false, index })
      role.receiver.linked?.(there, { second: false, index })
      onLinks?.([here, there])
    }
    return 0.01
  }
  const commands = { listen: () => ({}), connect, linked: () => {} }
  const remote = (side: 'sender' | 'receiver') => ({
    async ask(command: string, argument: object = {}) {
      const known: Record<string, (argument: object) => unknown> = { ...role[side], ...commands }
      const answer = known[command]
      if (answer === undefined) throw new Error(`no command ${command}`)
      return answer(argument)
    },
  })
  const [sender, receiver] = [remote('sender'), remote('receiver')]
  return workload.drive({
    sender,
    receiver,
    listener: receiver,
    dialler: sender,
    contender: { reliable: true, ...contender },
    settings,
    hooks: {},
  })
}
