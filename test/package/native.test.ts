import { describePlatform, native, packageRoot } from '../../lib/native'

const before = process.env.HAWSER_ADDON

afterEach(() => {
  if (before === undefined) delete process.env.HAWSER_ADDON
  else process.env.HAWSER_ADDON = before
})

test('an addon that does not load gives NATIVE_MISSING with the reason, and can be tried again', () => {
  process.env.HAWSER_ADDON = `${packageRoot}/package.json.node`
  expect(() => native()).toThrow(
    expect.objectContaining({
      name: 'HawserError',
      code: 'NATIVE_MISSING',
      message: expect.stringContaining(describePlatform()),
      hint: expect.stringContaining('npx hawser rebuild'),
    }),
  )
  if (before === undefined) delete process.env.HAWSER_ADDON
  else process.env.HAWSER_ADDON = before
  expect(native().version).toMatch(/^\d+\.\d+\.\d+$/)
  expect(native()).toBe(native())
})
