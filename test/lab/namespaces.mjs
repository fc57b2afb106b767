// Network namespaces of this run: made, and never left behind.

import { execFile, spawn } from 'node:child_process'
import fs from 'node:fs'
import { promisify } from 'node:util'

const run = promisify(execFile)
const folder = '/run/netns'
/** Apart from others of this process, who may have loaded this file once more. */
const load = Date.now().toString(36)
let made = 0

/** Runs a program to its end; fails with what it wrote. */
export async function call(command, ...args) {
  try {
    return (await run(command, args)).stdout
  } catch (error) {
    const why = error.stderr?.trim() || error.message
    throw new Error(`${[command, ...args].join(' ')}: ${why}`, { cause: error })
  }
}

/** What stands before a command that is to run in a namespace. */
export const prefix = (namespace) => ['ip', 'netns', 'exec', namespace]

/** Runs a program in a namespace. */
export const inside = (namespace, ...command) => call(...prefix(namespace), ...command)

// In a session of its own, so that a Ctrl-C in the terminal does not reach it. Its standard input ends with this
// process, however that ends. What still runs in a namespace is of no use to anybody.
const guardScript = `
trap '' HUP INT TERM
cat >/dev/null
for name; do
  ip netns pids "$name" | xargs -r kill -KILL
  ip netns del "$name"
done 2>/dev/null
true`

function startGuard(names) {
  const guard = spawn('sh', ['-c', guardScript, 'hawser-lab', ...names], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  const ended = new Promise((resolve, reject) => {
    guard.once('error', reject)
    guard.once('exit', resolve)
  })
  ended.catch(() => {}) // told by close()
  guard.stdin.on('error', () => {}) // ended already: as wanted
  guard.unref()
  guard.stdin.unref()
  return async () => {
    guard.ref()
    guard.stdin.end()
    await ended
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

/** Removes what runs left behind whose guard was killed as well. */
async function sweep() {
  const names = fs.existsSync(folder) ? fs.readdirSync(folder) : []
  const left = names.filter((name) => {
    const owner = /^hawser-(\d+)-\w+-/.exec(name)?.[1]
    return owner !== undefined && !isAlive(Number(owner))
  })
  if (left.length > 0) await startGuard(left)()
}

const setUp = `
for setting in /proc/sys/net/ipv6/conf/*/disable_ipv6; do
  [ ! -e $setting ] || echo 1 >$setting
done
ip link set lo up`

async function make(name) {
  await call('ip', 'netns', 'add', name)
  await inside(name, 'sh', '-c', setUp)
}

let swept

/**
 * Makes a namespace for each of the given words, with its lo up and without IPv6, so that nothing is sent in it but what
 * somebody asks for. They are called `hawser-PID-something-word`.
 * `close` removes them, with the processes in them.
 */
export async function namespaces(...words) {
  swept ??= sweep()
  await swept
  const owner = `hawser-${process.pid}-${load}${++made}`
  const names = words.map((word) => `${owner}-${word}`)
  const close = startGuard(names)
  try {
    await Promise.all(names.map(make))
  } catch (error) {
    await close()
    throw error
  }
  return { names, close }
}
