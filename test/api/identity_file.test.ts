// Key files: what they look like, what is refused, and what is left when making one fails.

import { execFileSync } from 'node:child_process'
import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import fs from 'node:fs'
import fsp from 'node:fs/promises'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { createPeer, type ErrorCode, HawserError, Identity, OptionError } from '../../lib'
import { createTestNetwork } from '../../lib/testing'
import { makePeer } from '../support/peers'

const onPosix = process.platform !== 'win32'
const ifPosix = onPosix ? test : test.skip

let folder = ''
let file = ''
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hawser-key-'))
  file = path.join(folder, 'peer.key')
})
afterEach(() => {
  jest.restoreAllMocks()
  fs.rmSync(folder, { recursive: true, force: true })
})

const modeOf = (name: string) => fs.statSync(name).mode & 0o7777

function write(contents: string | Uint8Array, mode = 0o600): void {
  fs.rmSync(file, { force: true })
  fs.writeFileSync(file, contents, { mode })
  fs.chmodSync(file, mode)
}

async function refusal(work: Promise<unknown>): Promise<HawserError> {
  const error = await work.then(
    () => undefined,
    (reason) => reason,
  )
  if (error instanceof HawserError) return error
  throw new Error(`was not refused as it should be: ${error}`)
}

/** Both ways to read a file refuse it alike, and leave it as it was. */
async function refused(code: ErrorCode): Promise<HawserError> {
  const before = fs.statSync(file)
  const error = await refusal(Identity.load(file))
  expect(error.code).toBe(code)
  expect(error.message).toContain(file)
  expect(error.hint).not.toBe('')
  const other = await refusal(createPeer({ identity: file, listen: false }))
  expect([other.code, other.message]).toEqual([code, error.message])
  const after = fs.statSync(file)
  expect([after.ino, after.mode, after.size]).toEqual([before.ino, before.mode, before.size])
  expect(fs.readdirSync(folder)).toEqual(['peer.key'])
  return error
}

/** As the system would say it. */
function systemError(code: string, syscall: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${syscall}`), { code, syscall })
}

/** Makes one method of every file handle fail. */
async function breakHandles(method: 'writeFile' | 'sync' | 'chmod', code: string): Promise<void> {
  const handle = await fsp.open(os.devNull)
  const prototype = Object.getPrototypeOf(handle)
  await handle.close()
  jest.spyOn(prototype, method).mockRejectedValue(systemError(code, method))
}

describe('what a key file is', () => {
  test('saved and loaded: the same identity', async () => {
    const identity = Identity.generate()
    await identity.save(file)
    const loaded = await Identity.load(file)
    expect(loaded.id).toBe(identity.id)
    expect(loaded.publicKey).toEqual(identity.publicKey)
    expect(loaded.seed).toEqual(identity.seed)
    expect(fs.readdirSync(folder)).toEqual(['peer.key'])
    if (onPosix) expect(modeOf(file)).toBe(0o600)
  })

  test('text: the id, and what OpenSSL reads', async () => {
    const identity = Identity.generate()
    await identity.save(file)
    const text = fs.readFileSync(file, 'utf8')
    const lines = text.split('\n')
    expect(lines).toHaveLength(5)
    expect(lines[0]).toBe(`Hawser identity ${identity.id}`)
    const key = createPrivateKey(text)
    expect(key.asymmetricKeyType).toBe('ed25519')
    const der = key.export({ format: 'der', type: 'pkcs8' })
    expect(der.subarray(-32)).toEqual(identity.seed)
  })

  // RFC 8410, 10.3 and 10.1.
  const sample = [
    '-----BEGIN PRIVATE KEY-----',
    'MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC',
    '-----END PRIVATE KEY-----',
    '',
  ]
  const publicKey = '19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1'

  test.each(['\n', '\r\n'])(
    'without an id, as other programs write it (lines end in %j)',
    async (end) => {
      write(sample.join(end))
      const identity = await Identity.load(file)
      expect(Buffer.from(identity.publicKey).toString('hex')).toBe(publicKey)
      expect(identity.seed.toString('hex')).toMatch(
        /^d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842$/,
      )
    },
  )

  test('what OpenSSL makes is read', async () => {
    const { privateKey } = generateKeyPairSync('ed25519')
    write(privateKey.export({ format: 'pem', type: 'pkcs8' }))
    const identity = await Identity.load(file)
    expect(identity.privateKey.equals(privateKey)).toBe(true)
  })
})

describe('createPeer', () => {
  test('makes the file, and is the same peer the next time', async () => {
    const first = await makePeer({ identity: file })
    if (onPosix) expect(modeOf(file)).toBe(0o600)
    const made = fs.readFileSync(file)
    const second = await makePeer({ identity: file })
    const loaded = await Identity.load(file)
    expect([second.id, loaded.id]).toEqual([first.id, first.id])
    expect(fs.readFileSync(file)).toEqual(made)
    expect(fs.readdirSync(folder)).toEqual(['peer.key'])
  })

  test('at the same time, many times: one identity', async () => {
    const peers = await Promise.all(
      Array.from({ length: 16 }, () => makePeer({ identity: file, listen: false })),
    )
    const { id } = await Identity.load(file)
    expect(new Set(peers.map((peer) => peer.id))).toEqual(new Set([id]))
    expect(fs.readdirSync(folder)).toEqual(['peer.key'])
  })

  test('a path relative to the current folder, which may change meanwhile', async () => {
    const before = process.cwd()
    process.chdir(folder)
    const making = makePeer({ identity: './peer.key' })
    process.chdir(before)
    expect((await making).id).toBe((await Identity.load(file)).id)
  })

  test('an aborted signal: nothing is made', async () => {
    const reason = new Error('not now')
    const signal = AbortSignal.abort(reason)
    await expect(createPeer({ identity: file, signal })).rejects.toBe(reason)
    expect(fs.readdirSync(folder)).toEqual([])
  })

  test('on a simulated network as well', async () => {
    const network = createTestNetwork()
    const peer = await network.createPeer({ identity: file })
    expect(peer.id).toBe((await Identity.load(file)).id)
    await network.close()
  })
})

describe('damaged files', () => {
  test('cut off after any byte', async () => {
    await Identity.generate().save(file)
    const whole = fs.readFileSync(file)
    for (let length = 0; length < whole.length; length++) {
      write(whole.subarray(0, length))
      await expect(Identity.load(file)).rejects.toMatchObject({ code: 'IDENTITY_INVALID' })
    }
    const error = await refused('IDENTITY_INVALID')
    expect(error.message).toBe(`key file '${file}' is damaged, or not a key file`)
  })

  test('any bit turned over', async () => {
    await Identity.generate().save(file)
    const whole = fs.readFileSync(file)
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const damaged = Buffer.from(whole)
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7))
      write(damaged)
      await expect(Identity.load(file)).rejects.toMatchObject({ code: 'IDENTITY_INVALID' })
    }
  })

  test('the id of another key', async () => {
    await Identity.generate().save(file)
    const [, ...key] = fs.readFileSync(file, 'utf8').split('\n')
    write([`Hawser identity ${Identity.generate().id}`, ...key].join('\n'))
    const error = await refused('IDENTITY_INVALID')
    expect(error.message).toMatch(/its key has another id than it says$/)
    expect(`${error.stack}`).not.toContain(key[1])
  })

  const x25519 = () =>
    generateKeyPairSync('x25519').privateKey.export({ format: 'pem', type: 'pkcs8' })
  const rsa = () =>
    generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({
      format: 'pem',
      type: 'pkcs8',
    })
  test.each<[string, () => string | Uint8Array, RegExp]>([
    ['empty', () => '', /is damaged, or not a key file/],
    ['one key of another kind', x25519, /holds no Ed25519 key/],
    ['one longer key of another kind', rsa, /is damaged, or not a key file/],
    ['zeros', () => new Uint8Array(200), /is damaged, or not a key file/],
    ['the longest that is read', () => 'x'.repeat(1024), /is damaged, or not a key file/],
    ['too long', () => 'x'.repeat(1025), /is longer than 1024 bytes/],
    ['far too long', () => new Uint8Array(10_000_000), /is longer than 1024 bytes/],
  ])('%s', async (_, contents, message) => {
    write(contents())
    expect((await refused('IDENTITY_INVALID')).message).toMatch(message)
  })

  test('more than a key file, before or after it', async () => {
    await Identity.generate().save(file)
    const whole = fs.readFileSync(file, 'utf8')
    for (const text of [`\n${whole}`, `${whole}\n`, `${whole}${whole}`, `# mine\n${whole}`]) {
      write(text)
      await expect(Identity.load(file)).rejects.toMatchObject({ code: 'IDENTITY_INVALID' })
    }
  })
})

describe('files that are not ours alone', () => {
  // Nothing here depends on what this user may do: root may read them all.
  ifPosix('any bit for group or others is too much', async () => {
    await Identity.generate().save(file)
    for (const bit of [0o040, 0o020, 0o010, 0o004, 0o002, 0o001]) {
      fs.chmodSync(file, 0o600 | bit)
      const error = await refused('IDENTITY_UNSAFE')
      expect(error.message).toMatch(`(mode 0${(0o600 | bit).toString(8)})`)
      expect(error.hint).toMatch(`chmod 600 '${file}'`)
    }
  })

  ifPosix('less than 0600 is fine, if it can be read', async () => {
    const identity = Identity.generate()
    await identity.save(file)
    for (const mode of [0o400, 0o700, 0o600]) {
      fs.chmodSync(file, mode)
      expect((await Identity.load(file)).id).toBe(identity.id)
    }
  })

  ifPosix('a damaged one is refused for its permissions: it is not even read', async () => {
    write('x', 0o644)
    await refused('IDENTITY_UNSAFE')
  })

  ifPosix("another user's", async () => {
    await Identity.generate().save(file)
    const mine = process.geteuid?.() ?? 0
    jest.spyOn(process, 'geteuid').mockReturnValue(mine + 1)
    const error = await refused('IDENTITY_UNSAFE')
    expect(error.message).toMatch(`belongs to another user (${mine})`)
  })

  ifPosix('where a new file would be another user’s, none is made', async () => {
    jest.spyOn(process, 'geteuid').mockReturnValue(12_345)
    expect((await refusal(Identity.generate().save(file))).code).toBe('IDENTITY_UNSAFE')
    expect(fs.readdirSync(folder)).toEqual([])
  })

  ifPosix('folders, pipes, sockets and devices', async () => {
    const message = /is not a regular file$/
    fs.mkdirSync(file, { mode: 0o700 })
    expect((await refused('IDENTITY_UNSAFE')).message).toMatch(message)
    fs.rmdirSync(file)
    // Nobody ever writes to it.
    execFileSync('mkfifo', ['-m', '600', file])
    expect((await refused('IDENTITY_UNSAFE')).message).toMatch(message)
    fs.unlinkSync(file)
    const server = net.createServer().listen(file)
    await new Promise((resolve) => server.once('listening', resolve))
    expect((await refused('IDENTITY_UNSAFE')).message).toMatch(message)
    await new Promise((resolve) => server.close(resolve))
    const error = await refusal(Identity.load(os.devNull))
    expect(error).toMatchObject({
      code: 'IDENTITY_UNSAFE',
      message: expect.stringMatching(message),
    })
  })
})

describe('symbolic links', () => {
  ifPosix('are followed, and what they lead to is checked', async () => {
    const target = path.join(folder, 'target')
    fs.symlinkSync('target', file)
    const identity = Identity.generate()
    await identity.save(target)
    expect((await Identity.load(file)).id).toBe(identity.id)
    expect((await makePeer({ identity: file })).id).toBe(identity.id)
    fs.chmodSync(target, 0o640)
    await expect(Identity.load(file)).rejects.toMatchObject({ code: 'IDENTITY_UNSAFE' })
  })

  ifPosix('to nothing: nothing is made', async () => {
    fs.symlinkSync('nowhere', file)
    await expect(Identity.load(file)).rejects.toMatchObject({ code: 'IDENTITY_FAILED' })
    const error = await refusal(createPeer({ identity: file }))
    expect(error).toMatchObject({
      code: 'IDENTITY_FAILED',
      hint: expect.stringMatching(/symbolic link to nothing/),
    })
    await expect(Identity.generate().save(file)).rejects.toMatchObject({ code: 'IDENTITY_EXISTS' })
    expect(fs.readdirSync(folder)).toEqual(['peer.key'])
  })

  ifPosix('in a circle', async () => {
    fs.symlinkSync('peer.key', file)
    const error = await refusal(createPeer({ identity: file }))
    expect(error).toMatchObject({ code: 'IDENTITY_FAILED', cause: { code: 'ELOOP' } })
  })
})

describe('making a file', () => {
  test('never overwrites one', async () => {
    const first = Identity.generate()
    await first.save(file)
    for (const identity of [first, Identity.generate()]) {
      const error = await refusal(identity.save(file))
      expect(error).toMatchObject({
        code: 'IDENTITY_EXISTS',
        message: `there is a file '${file}' already`,
      })
    }
    expect((await Identity.load(file)).id).toBe(first.id)
    expect(fs.readdirSync(folder)).toEqual(['peer.key'])
  })

  test('of several at the same time one is made', async () => {
    const identities = Array.from({ length: 16 }, () => Identity.generate())
    const outcomes = await Promise.allSettled(identities.map((identity) => identity.save(file)))
    const saved = identities.filter((_, index) => outcomes[index]?.status === 'fulfilled')
    expect(saved.map(({ id }) => id)).toEqual([(await Identity.load(file)).id])
  })

  ifPosix('whatever the umask', async () => {
    for (const mask of [0, 0o777]) {
      const before = process.umask(mask)
      try {
        await Identity.generate().save(file)
      } finally {
        process.umask(before)
      }
      expect(modeOf(file)).toBe(0o600)
      fs.unlinkSync(file)
    }
  })

  test('a folder that is not there is not made', async () => {
    const missing = path.join(folder, 'no', 'peer.key')
    for (const work of [Identity.generate().save(missing), createPeer({ identity: missing })]) {
      expect(await refusal(work)).toMatchObject({
        code: 'IDENTITY_FAILED',
        cause: { code: 'ENOENT' },
        hint: 'the folder must exist: make it first',
      })
    }
    expect(fs.readdirSync(folder)).toEqual([])
  })

  test.each([
    ['writeFile', 'ENOSPC', /no room/],
    ['sync', 'EIO', /see `cause`/],
    ['chmod', 'EPERM', /may not do that there/],
  ] as const)('%s fails with %s: nothing is left', async (method, code, hint) => {
    await breakHandles(method, code)
    for (const work of [
      () => Identity.generate().save(file),
      () => createPeer({ identity: file, listen: false }),
    ]) {
      const error = await refusal(work())
      expect(error).toMatchObject({ code: 'IDENTITY_FAILED', cause: { code } })
      expect(error.message).toBe(`cannot make key file '${file}': ${code}`)
      expect(error.hint).toMatch(hint)
    }
    expect(fs.readdirSync(folder)).toEqual([])
  })

  test('no hard links: nothing is left', async () => {
    jest.spyOn(fsp, 'link').mockRejectedValue(systemError('EPERM', 'link'))
    const error = await refusal(Identity.generate().save(file))
    expect(error).toMatchObject({
      code: 'IDENTITY_FAILED',
      hint: 'choose a file system that has hard links',
    })
    expect(fs.readdirSync(folder)).toEqual([])
  })

  test('a file that comes and goes is not waited for without end', async () => {
    jest.spyOn(fsp, 'link').mockRejectedValue(systemError('EEXIST', 'link'))
    const error = await refusal(createPeer({ identity: file, listen: false }))
    expect(error.code).toBe('IDENTITY_FAILED')
    expect(fs.readdirSync(folder)).toEqual([])
  })
})

describe('reading a file', () => {
  test('that is not there', async () => {
    const error = await refusal(Identity.load(file))
    expect(error).toMatchObject({
      code: 'IDENTITY_FAILED',
      message: `there is no key file '${file}'`,
    })
    expect(fs.readdirSync(folder)).toEqual([])
  })

  test('below a file', async () => {
    write('x')
    const error = await refusal(Identity.load(path.join(file, 'peer.key')))
    expect(error.code).toBe('IDENTITY_FAILED')
  })

  test.each([5, null, undefined, '', 'a\0b', {}])('path %j is refused', async (value) => {
    for (const work of [Identity.load(value as never), Identity.generate().save(value as never)]) {
      await expect(work).rejects.toBeInstanceOf(OptionError)
      await expect(work).rejects.toMatchObject({ option: 'path', value })
    }
  })
})
