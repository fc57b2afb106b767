#!/usr/bin/env node
// node test/lab/cable/cli.mjs [options]: a cable by hand; --help tells how.

import readline from 'node:readline'
import { parseArgs } from 'node:util'
import { missing } from '../places.mjs'
import { CableOptionError, cable } from './index.mjs'

const help = `node test/lab/cable/cli.mjs [options]

Opens a cable between two new network namespaces, tells how to run programs in them, and then takes lines as

  set loss=0.05 rate=20mbit      changes both directions
  left set down=true             changes what goes from left to right
  right set down=false           changes what goes from right to left
  stats                          prints the counters
  quit                           or Ctrl-C, or the end of the input

Options, all of both directions:
  --rate 100mbit       --queue BYTES       --delay MS          --jitter MS   --jitter-reorders
  --loss FRACTION      --burst ENTER,LEAVE[,GOOD[,BAD]]        --duplicate FRACTION
  --reorder FRACTION   --reorder-by MS     --mtu BYTES         --outage EVERY_MS,FOR_MS
  --down               --interface-mtu BYTES                   --seed NUMBER
A line takes the names that test/lab/cable/index.d.mts describes: delayMs=25, queueBytes=64000, …
`

const number = (text) => (/^\d*\.?\d+(e-?\d+)?$/.test(text) ? Number(text) : text)

function parts(text, ...names) {
  const values = text.split(',').map(number)
  return Object.fromEntries(values.map((value, i) => [names[i] ?? `part ${i + 1}`, value]))
}

/** Each option of the command line, as an option of the cable. */
const options = {
  rate: (text) => ({ rate: number(text) }),
  queue: (text) => ({ queueBytes: number(text) }),
  delay: (text) => ({ delayMs: number(text) }),
  jitter: (text) => ({ jitterMs: number(text) }),
  'jitter-reorders': (flag) => ({ jitterReorders: flag }),
  loss: (text) => ({ loss: number(text) }),
  burst: (text) => ({ burstLoss: parts(text, 'enter', 'leave', 'good', 'bad') }),
  duplicate: (text) => ({ duplicate: number(text) }),
  reorder: (text) => ({ reorder: number(text) }),
  'reorder-by': (text) => ({ reorderMs: number(text) }),
  mtu: (text) => ({ mtu: number(text) }),
  outage: (text) => ({ outage: parts(text, 'everyMs', 'forMs') }),
  down: (flag) => ({ down: flag }),
  'interface-mtu': (text) => ({ interfaceMtu: number(text) }),
  seed: (text) => ({ seed: number(text) }),
}
const flags = ['jitter-reorders', 'down']

function readArguments() {
  const { values } = parseArgs({
    options: {
      help: { type: 'boolean' },
      ...Object.fromEntries(
        Object.keys(options).map((name) => [
          name,
          { type: flags.includes(name) ? 'boolean' : 'string' },
        ]),
      ),
    },
  })
  return values
}

function readChanges(words) {
  return Object.fromEntries(
    words.map((word) => {
      const [name, text = ''] = word.split('=')
      return [name, text === 'true' ? true : text === 'false' ? false : number(text)]
    }),
  )
}

async function obey(opened, line) {
  const words = line.trim().split(/\s+/)
  const end = words[0] === 'left' || words[0] === 'right' ? words.shift() : undefined
  const [command, ...rest] = words
  if (command === 'stats') console.log(JSON.stringify(await opened.stats(), null, 2))
  else if (command === 'set') {
    const changes = readChanges(rest)
    const direction = { left: 'leftToRight', right: 'rightToLeft' }[end]
    await opened.set(direction === undefined ? changes : { [direction]: changes })
  } else if (command !== '') console.log('set, left set, right set, stats or quit')
}

async function main() {
  const { help: wanted, ...values } = readArguments()
  if (wanted) return console.log(help)
  const lacking = missing()
  if (lacking !== '') throw new Error(`missing: ${lacking}`)
  const opened = await cable(
    Object.assign({}, ...Object.entries(values).map(([name, value]) => options[name](value))),
  )
  const { left, right, leftAddress, rightAddress, inLeft, inRight, realtime } = opened
  console.log(`left:  ${leftAddress} in ${left}
right: ${rightAddress} in ${right}${realtime ? '' : '\n(not scheduled as real time: delays depend on the load)'}

As root, for instance:
  ${inLeft.join(' ')} ping ${rightAddress}
  ${inRight.join(' ')} iperf3 -s
  ${inLeft.join(' ')} iperf3 -c ${rightAddress}

set NAME=VALUE …, stats or quit:`)
  const lines = readline.createInterface({ input: process.stdin })
  const stop = () => lines.close()
  process.once('SIGINT', stop).once('SIGTERM', stop)
  for await (const line of lines) {
    if (line.trim() === 'quit') break
    await obey(opened, line).catch((error) => console.error(error.message))
  }
  await opened.close()
}

main().catch((error) => {
  const plain = error instanceof CableOptionError || error.code?.startsWith('ERR_PARSE_ARGS')
  console.error(plain ? `${error.message}\n--help lists the options` : error.message)
  process.exitCode = plain ? 2 : 1
})
