// Opens a cable, runs something at one end of it, tells of both, and waits to be killed.

import { spawn } from 'node:child_process'
import { cable } from '../cable/index.mjs'

const { left, right, inLeft, pid } = await cable()
const [command, ...args] = [...inLeft, 'sleep', '1000']
const guest = spawn(command, args, { stdio: 'ignore', detached: true })
console.log(JSON.stringify({ names: [left, right], program: pid, guest: guest.pid }))
