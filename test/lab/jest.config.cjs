// The lab's tests: `npm run lab`. They need root and tools that an ordinary `npm test` does not.
const base = require('../../jest.config.cjs')

/** @type {import('jest').Config} */
module.exports = {
  ...base,
  roots: ['<rootDir>/test/lab'],
  testPathIgnorePatterns: ['/node_modules/'],
  // They mostly wait for packets.
  maxWorkers: 2,
  globalSetup: '<rootDir>/test/lab/setup.mjs',
}
