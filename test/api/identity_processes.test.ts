// Key files and other processes: several that start at once, those that are killed, full and read-only folders.

import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Identity } from '../../lib'
import { type Ended, runBody } from '../support/child'

const ifPosix = process.platform === 'win32' ? test.skip : test

let folder = ''
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hawser-keys-'))
})
afterEach(() => {
  fs.chmodSync(folder, 0o700)
  fs.rmSync(folder, { recursive: true, force: true })
})

const quoted = (name: string) => JSON.stringify(path.join(folder, name))

function outputOf({ code, stdout, stderr }: Ended): string[] {
  expect([code, stderr]).toEqual([0, ''])
  return stdout.trim().split('\n')
}

test('processes that start at once are the same peer', async () => {
  const files = 20
  const body = (start: number) => `
    for (let index = 0; index < ${files}; index++) {
      // All of them at the same moment, as far as that can be had.
      while (Date.now() < ${start} + index * 25);
      const peer = await createPeer({ identity: ${quoted('key')} + index, listen: false })
      console.log(peer.id)
      peer.destroy()
    }`
  const start = Date.now() + 1_500
  const ended = await Promise.all(Array.from({ length: 6 }, () => runBody(body(start))))
  const [first = [], ...others] = ended.map(outputOf)
  expect(new Set(first).size).toBe(files)
  for (const ids of others) expect(ids).toEqual(first)
  for (let index = 0; index < files; index++) {
    expect((await Identity.load(path.join(folder, `key${index}`))).id).toBe(first[index])
  }
  expect(fs.readdirSync(folder)).toHaveLength(files)
})

ifPosix('who is killed leaves no half of a file, and nothing that others may read', async () => {
  const body = (round: number) => `
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), ${20 + round * 7})
    for (let index = 0; ; index++) await Identity.generate().save(${quoted(`key${round}`)} + '-' + index)`
  const ended = await Promise.all([0, 1, 2, 3].map((round) => runBody(body(round))))
  expect(ended.map(({ signal }) => signal)).toEqual(Array(4).fill('SIGKILL'))
  for (const name of fs.readdirSync(folder)) {
    expect(fs.statSync(path.join(folder, name)).mode & 0o777).toBe(0o600)
    if (name.startsWith('key')) await Identity.load(path.join(folder, name))
  }
})

/** Tells with what saving a key fails, with every right of root given up. */
const saving = (name: string) => `
    if (process.getuid() === 0) {
      process.setgroups([])
      process.setgid(65534)
      process.setuid(65534)
    }
    const tell = ({ code, cause, hint }) => console.log(code, cause.code, hint)
    await Identity.generate().save(${quoted(name)}).catch(tell)
    await createPeer({ identity: ${quoted(name)}, listen: false }).catch(tell)`

ifPosix('a folder that this user may not write to', async () => {
  fs.chmodSync(folder, 0o555)
  const hint =
    'this process may not do that there: choose another folder, or change its permissions'
  const wanted = `IDENTITY_FAILED EACCES ${hint}`
  expect(outputOf(await runBody(saving('key')))).toEqual([wanted, wanted])
  expect(fs.readdirSync(folder)).toEqual([])
})

ifPosix('no room for the file', async () => {
  fs.chmodSync(folder, 0o777)
  // What this process writes may not be longer than 0 bytes: as on a full disk, the file can be made and not filled.
  const body = `
    const { spawnSync } = require('node:child_process')
    const script = ${JSON.stringify(
      `const { createPeer, Identity } = require('hawser'); (async () => { ${saving('key')} })()`,
    )}
    const { stdout, stderr } = spawnSync(
      'sh',
      ['-c', 'ulimit -f 0; exec "$0" -e "$1"', process.execPath, script],
      { cwd: __dirname, encoding: 'utf8' },
    )
    process.stdout.write(stdout)
    process.stderr.write(stderr)`
  const wanted = 'IDENTITY_FAILED EFBIG there is no room for the file: make some'
  expect(outputOf(await runBody(body))).toEqual([wanted, wanted])
  expect(fs.readdirSync(folder)).toEqual([])
})
