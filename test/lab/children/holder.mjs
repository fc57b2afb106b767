// Opens a cable, runs something at one end of it, tells of both, and waits to be killed.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cable } from '../cable/index.mjs'

const { left, right, inLeft, pid } = await cable()
const [command, ...args] = [...inLeft, 'sh', '-c', 'echo in; exec sleep 1000']
const guest = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'], detached: true })
// Until then it may be on its way into the namespace, where nobody finds it.
await once(guest.stdout, 'data')
console.log(JSON.stringify({ names: [left, right], program: pid, guest: guest.pid }))
