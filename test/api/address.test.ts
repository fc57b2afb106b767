// Addresses, targets and the choice of what to give to others.

import { Identity, OptionError, type PeerId } from '../../lib'
import { formatAddress, parseAddress, parsePlace, parseTarget } from '../../lib/address'
import type { SocketConfig } from '../../lib/native_types'
import { reachablePlaces } from '../../lib/reachable'

const id = Identity.generate().id
const other = Identity.generate().id

describe('addresses', () => {
  test.each([
    ['192.0.2.1', 4433, `hawser://${id}@192.0.2.1:4433`],
    ['::1', 1, `hawser://${id}@[::1]:1`],
    ['2001:db8::5', 65_535, `hawser://${id}@[2001:db8::5]:65535`],
    ['example.org', 80, `hawser://${id}@example.org:80`],
  ])('%s port %d, there and back', (host, port, text) => {
    expect(formatAddress(id, { host, port })).toBe(text)
    expect(parseAddress(text)).toEqual({ id, place: { host, port } })
    expect(parseAddress(`${text}/`)).toEqual({ id, place: { host, port } })
  })

  test.each([
    '',
    'hawser://',
    `hawser://${id}`,
    `hawser://${id}@`,
    `hawser://${id}@host`,
    `hawser://${id}@host:`,
    `hawser://${id}@host:0`,
    `hawser://${id}@host:65536`,
    `hawser://${id}@host:-1`,
    `hawser://${id}@host:80/path`,
    `hawser://${id}@ho st:80`,
    `hawser://${id}@::1:80`,
    `hawser://${id}@[1.2.3.4]:80`,
    `hawser://${id}@[::g]:80`,
    `hawser://${id}@1.2.3:80`,
    `hawser://${id}@1.2.3.400:80`,
    `hawser://${id.slice(1)}@host:80`,
    `hawser://${id.toUpperCase()}@host:80`,
    'hawser://host:80',
    `http://${id}@host:80`,
  ])('%s is no address', (text) => {
    expect(parseAddress(text)).toBeUndefined()
    expect(() => parseTarget(text)).toThrow(OptionError)
  })

  test('places', () => {
    expect(parsePlace('[fe80::1%eth0]:5')).toEqual({ host: 'fe80::1%eth0', port: 5 })
    expect(parsePlace('bücher.example:5')).toEqual({ host: 'bücher.example', port: 5 })
    expect(parsePlace('host:0')).toBeUndefined()
    expect(parsePlace('host:0', 0)).toEqual({ host: 'host', port: 0 })
    expect(parsePlace('-host:5')).toBeUndefined()
    expect(parsePlace(`${'a'.repeat(254)}:5`)).toBeUndefined()
  })
})

describe('targets', () => {
  const address = `hawser://${id}@192.0.2.1:4433`
  const place = { host: '192.0.2.1', port: 4433 }

  test('every form', () => {
    expect(parseTarget(address)).toEqual({ id, places: [place] })
    expect(parseTarget(new URL(address))).toEqual({ id, places: [place] })
    expect(parseTarget(new URL(`hawser://${id}@[::1]:5`))).toEqual({
      id,
      places: [{ host: '::1', port: 5 }],
    })
    expect(parseTarget(id)).toEqual({ id, places: [] })
    expect(parseTarget({ id })).toEqual({ id, places: [] })
    expect(parseTarget({ id, addresses: [address, '[::1]:5'] })).toEqual({
      id,
      places: [place, { host: '::1', port: 5 }],
    })
  })

  test.each<[unknown, string]>([
    ['192.0.2.1:4433', 'to'],
    [undefined, 'to'],
    [null, 'to'],
    [5, 'to'],
    [{}, 'to.id'],
    [{ id: 'nobody' }, 'to.id'],
    [{ id, addresses: address }, 'to.addresses'],
    [{ id, addresses: Array(9).fill(address) }, 'to.addresses'],
    [{ id, addresses: [address, 'nowhere'] }, 'to.addresses[1]'],
    [{ id, addresses: [`hawser://${other}@192.0.2.1:4433`] }, 'to.addresses[0]'],
    [{ id, addresses: [5] }, 'to.addresses[0]'],
  ])('%j is refused', (target, option) => {
    expect(() => parseTarget(target)).toThrow(expect.objectContaining({ option }))
  })
})

describe('what to give to others', () => {
  const up = { loopback: false, up: true }
  const lan = { name: 'eth0', address: '192.168.1.5', ...up }
  const lan6 = { name: 'eth0', address: '2001:db8::5', ...up }
  const linkLocal6 = { name: 'eth0', address: 'fe80::1', ...up }
  const linkLocal6Zone = { name: 'eth0', address: 'fe80::2%eth0', ...up }
  const linkLocal4 = { name: 'eth1', address: '169.254.3.4', ...up }
  const docker = { name: 'docker0', address: '172.17.0.1', ...up }
  const bridge = { name: 'br-0123456789ab', address: '172.18.0.1', ...up }
  const veth = { name: 'veth12ab', address: '10.9.9.9', ...up }
  const down = { name: 'eth2', address: '10.1.1.1', loopback: false, up: false }
  const lo = { name: 'lo', address: '127.0.0.1', loopback: true, up: true }
  const lo6 = { name: 'lo', address: '::1', loopback: true, up: true }
  const any: SocketConfig[] = [
    { address: '0.0.0.0', port: 7 },
    { address: '::', port: 7 },
  ]
  const hosts = (sockets: SocketConfig[], interfaces: (typeof lan)[]) =>
    reachablePlaces(sockets, interfaces).map(({ host }) => host)

  test('ordinary addresses first, IPv4 before IPv6, loopback last', () => {
    expect(hosts(any, [lo, lo6, lan6, docker, lan])).toEqual([
      '192.168.1.5',
      '2001:db8::5',
      '127.0.0.1',
      '::1',
    ])
  })

  test('ways into containers and made-up addresses only when there is nothing better', () => {
    expect(hosts(any, [lo, docker, bridge, veth, linkLocal4])).toEqual([
      '172.17.0.1',
      '172.18.0.1',
      '10.9.9.9',
      '169.254.3.4',
      '127.0.0.1',
    ])
    expect(hosts(any, [lo, docker, bridge, veth, linkLocal4, lan])).toEqual([
      '192.168.1.5',
      '127.0.0.1',
    ])
  })

  test('link-local IPv6 and interfaces that are down, never', () => {
    expect(hosts(any, [linkLocal6, linkLocal6Zone, down])).toEqual([])
  })

  test('only families that have a socket', () => {
    expect(hosts([{ address: '0.0.0.0', port: 7 }], [lan, lan6])).toEqual(['192.168.1.5'])
    expect(hosts([{ address: '::', port: 7 }], [lan, lan6])).toEqual(['2001:db8::5'])
  })

  test('a socket bound to one address has that one', () => {
    const sockets = [
      { address: '127.0.0.1', port: 5 },
      { address: '192.168.1.5', port: 6 },
    ]
    expect(reachablePlaces(sockets, [lan, lo])).toEqual([
      { host: '192.168.1.5', port: 6 },
      { host: '127.0.0.1', port: 5 },
    ])
  })
})

test('a PeerId is a string', () => {
  const text: string = id satisfies PeerId
  expect(text).toHaveLength(52)
})
