import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

const root = path.resolve(__dirname, '../..')
const addon = path.join(root, 'build', 'Release', 'hawser.node')
const onLinux = process.platform === 'linux' ? test : test.skip

function checkFloor(file: string) {
  return spawnSync(process.execPath, ['scripts/check-floor.mjs', file], {
    cwd: root,
    encoding: 'utf8',
  })
}

onLinux('the addon stays at or below the floor of glibc and libstdc++', () => {
  const check = checkFloor(addon)
  expect(check.stderr).toBe('')
  expect(check.stdout).toMatch(/needs .*GLIBC \d/)
  expect(check.status).toBe(0)
})

onLinux('the check finds what it is for', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hawser-floor-'))
  try {
    const source = path.join(folder, 'high.c')
    const library = path.join(folder, 'high.node')
    fs.writeFileSync(
      source,
      [
        'extern int EVP_EncryptInit(void);',
        'extern void needs_new(void);',
        '__asm__(".symver needs_new,gettid@GLIBC_2.30");',
        'int leaked(void) { needs_new(); return EVP_EncryptInit(); }',
      ].join('\n'),
    )
    const built = spawnSync('cc', ['-shared', '-fPIC', '-o', library, source], { encoding: 'utf8' })
    expect(built.stderr).toBe('')
    const check = checkFloor(library)
    expect(check.stderr).toContain('gettid needs GLIBC_2.30')
    expect(check.stderr).toContain('EVP_EncryptInit: undefined')
    expect(check.stderr).toContain('leaked: exported')
    expect(check.status).toBe(1)
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
  }
})
