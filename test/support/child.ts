// Scripts that run in a process of their own, with the compiled package as `hawser`.

import { spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

const root = path.resolve(__dirname, '../..')
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hawser-child-'))
fs.mkdirSync(path.join(folder, 'node_modules'))
fs.symlinkSync(root, path.join(folder, 'node_modules', 'hawser'))
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))

export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

let scripts = 0

/** Runs a script with the ending `.cjs` or `.mjs`; resolves when it has ended by itself. */
export function runScript(
  ending: 'cjs' | 'mjs',
  script: string,
  ...flags: string[]
): Promise<Ended> {
  const file = path.join(folder, `script${scripts++}.${ending}`)
  fs.writeFileSync(file, script)
  const child = spawn(process.execPath, [...flags, file], { stdio: ['ignore', 'pipe', 'pipe'] })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
}

/** Runs the body of an async function in which `createPeer` and the other exports are there. */
export function runBody(body: string, ...flags: string[]): Promise<Ended> {
  return runScript(
    'cjs',
    `const { createPeer, Identity } = require('hawser')
    const turn = () => new Promise((resolve) => setImmediate(resolve))
    async function main() {
      ${body}
    }
    main()`,
    ...flags,
  )
}
