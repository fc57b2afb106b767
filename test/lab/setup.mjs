// Before the lab's tests: looks whether they can run here, and builds what they need.

import { build } from './cable/index.mjs'
import { missing } from './places.mjs'

export default async function setup() {
  const lacking = missing()
  if (lacking !== '' && process.env.CI === 'true') throw new Error(`the lab needs ${lacking}`)
  if (lacking !== '') console.warn(`\nThe lab's tests are skipped. They need ${lacking}`)
  else await build()
  process.env.HAWSER_LAB_MISSING = lacking
}
