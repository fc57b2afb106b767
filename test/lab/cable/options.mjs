// What a cable can be asked for, checked.

/** An option that cannot be. `option`, `value` and `allowed` say which, what it was, and what may be. */
export class CableOptionError extends RangeError {
  constructor(option, value, allowed) {
    const shown =
      typeof value === 'string' ? `'${value}'` : (JSON.stringify(value) ?? String(value))
    super(`${option} is ${shown}; allowed: ${allowed}`)
    this.name = 'CableOptionError'
    this.option = option
    this.value = value
    this.allowed = allowed
  }
}

const header = 14
const units = { bit: 1, kbit: 1e3, mbit: 1e6, gbit: 1e9 }

function rate(value, option) {
  if (value === 'unlimited' || value === 0) return 0
  const match = typeof value === 'string' ? /^(\d+(?:\.\d+)?)([kmg]?bit)$/i.exec(value) : null
  const bits = match === null ? value : Number(match[1]) * units[match[2].toLowerCase()]
  if (typeof bits === 'number' && bits >= 1e3 && bits <= 1e11) return bits
  throw new CableOptionError(
    option,
    value,
    "'unlimited', bits a second from 1,000 to 1e11, or text as '100mbit' (bit, kbit, mbit, gbit)",
  )
}

const number =
  (least, most, unit = '') =>
  (value, option) => {
    if (typeof value === 'number' && value >= least && value <= most) return value
    throw new CableOptionError(option, value, `a number from ${least} to ${most}${unit}`)
  }

const integer = (least, most) => (value, option) => {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value
  throw new CableOptionError(option, value, `an integer from ${least} to ${most}`)
}

function flag(value, option) {
  if (typeof value === 'boolean') return value
  throw new CableOptionError(option, value, 'true or false')
}

function group(members, needed) {
  const names = Object.keys(members)
  return (value, option) => {
    if (value === null) return null
    const given =
      typeof value === 'object' && !Array.isArray(value) ? Object.keys(value) : undefined
    if (
      given === undefined ||
      given.some((name) => !names.includes(name)) ||
      needed.some((name) => value[name] === undefined)
    ) {
      throw new CableOptionError(
        option,
        value,
        `null or an object of ${names.join(', ')} (needed: ${needed.join(', ')})`,
      )
    }
    const checked = Object.entries(value).filter(([, each]) => each !== undefined)
    return Object.fromEntries(
      checked.map(([name, each]) => [name, members[name](each, `${option}.${name}`)]),
    )
  }
}

const fraction = number(0, 1)
const time = number(0, 3_600_000, ' ms')

const checks = {
  rate,
  queueBytes: integer(0, 1e12),
  delayMs: time,
  jitterMs: time,
  jitterReorders: flag,
  loss: fraction,
  burstLoss: group({ enter: fraction, leave: fraction, good: fraction, bad: fraction }, [
    'enter',
    'leave',
  ]),
  duplicate: fraction,
  reorder: fraction,
  reorderMs: time,
  mtu: integer(68, 9000),
  down: flag,
  outage: group({ everyMs: number(1, 3_600_000, ' ms'), forMs: time }, ['everyMs', 'forMs']),
}

const once = { interfaceMtu: integer(68, 9000), seed: integer(0, Number.MAX_SAFE_INTEGER) }

const defaults = {
  rate: 0,
  delayMs: 0,
  jitterMs: 0,
  jitterReorders: false,
  loss: 0,
  burstLoss: null,
  duplicate: 0,
  reorder: 0,
  reorderMs: 5,
  mtu: 9000,
  down: false,
  outage: null,
}

export const directions = ['leftToRight', 'rightToLeft']

function checkAll(options, allowed, where) {
  const names = Object.keys(allowed)
  const checked = {}
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue
    if (!Object.hasOwn(allowed, name)) {
      throw new CableOptionError(`${where}${name}`, value, `only the options ${names.join(', ')}`)
    }
    checked[name] = allowed[name](value, `${where}${name}`)
  }
  return checked
}

/** What concerns several options of one direction. */
function checkTogether(parameters, direction, interfaceMtu) {
  const { delayMs, jitterMs, rate, queueBytes, outage } = parameters
  if (jitterMs > delayMs) {
    throw new CableOptionError(`${direction}.jitterMs`, jitterMs, `up to delayMs (${delayMs})`)
  }
  const frame = interfaceMtu + header
  if (rate > 0 && queueBytes < frame) {
    const allowed = `at least a frame, ${frame} (interfaceMtu and a header of ${header})`
    throw new CableOptionError(`${direction}.queueBytes`, queueBytes, allowed)
  }
  if (outage !== null && outage.forMs > outage.everyMs) {
    const allowed = `up to everyMs (${outage.everyMs})`
    throw new CableOptionError(`${direction}.outage.forMs`, outage.forMs, allowed)
  }
}

function split(options) {
  if (options === null || typeof options !== 'object') {
    throw new CableOptionError('options', options, 'an object')
  }
  const { leftToRight = {}, rightToLeft = {}, ...common } = options
  return { common, own: { leftToRight, rightToLeft } }
}

/**
 * The options of a new cable, all of them.
 * @returns {{ seed: number, interfaceMtu: number, leftToRight: object, rightToLeft: object }}
 */
export function readOptions(options = {}) {
  const { common, own } = split(options)
  const { seed = 1, interfaceMtu = 1500, ...both } = checkAll(common, { ...once, ...checks }, '')
  const read = { seed, interfaceMtu }
  for (const direction of directions) {
    const given = { ...both, ...checkAll(own[direction], checks, `${direction}.`) }
    const parameters = { ...defaults, ...given }
    const { rate, delayMs } = parameters
    // A bandwidth-delay product, or some frames where that is less.
    parameters.queueBytes ??= Math.max(
      Math.ceil((rate / 8) * ((2 * delayMs) / 1e3)),
      20 * (interfaceMtu + header),
    )
    checkTogether(parameters, direction, interfaceMtu)
    read[direction] = parameters
  }
  return read
}

/** What `current`, which readOptions made, becomes with `changes`. */
export function change(current, changes) {
  const { common, own } = split(changes)
  const both = checkAll(common, checks, '')
  const read = { ...current }
  for (const direction of directions) {
    const given = { ...both, ...checkAll(own[direction], checks, `${direction}.`) }
    read[direction] = { ...current[direction], ...given }
    checkTogether(read[direction], direction, current.interfaceMtu)
  }
  return read
}

/** The parameters of a direction as the program knows them (src/parameters.cc). */
export function asCommand({ burstLoss, outage, ...parameters }) {
  return {
    ...parameters,
    burstEnter: burstLoss?.enter ?? 0,
    burstLeave: burstLoss?.leave ?? 1,
    burstGood: burstLoss?.good ?? 0,
    burstBad: burstLoss?.bad ?? (burstLoss === null ? 0 : 1),
    outageEveryMs: outage?.everyMs ?? 0,
    outageForMs: outage?.forMs ?? 0,
  }
}
