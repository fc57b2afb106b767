// Tests are TypeScript, compiled by swc one file at a time; types are checked by `npm run types`.
// The acceptance tests of the claims also run against an installed package: HAWSER_PACKAGE is the folder it is installed in.
const { createRequire } = require('node:module')
const path = require('node:path')

const installed = process.env.HAWSER_PACKAGE

function packageEntry(name) {
  // Not require.resolve(): from here, our own name means this folder, whatever paths it is given.
  if (installed !== undefined)
    return createRequire(path.join(installed, 'package.json')).resolve(name)
  return name === 'hawser' ? '<rootDir>/lib/index.ts' : '<rootDir>/lib/testing/index.ts'
}

/** @type {import('jest').Config} */
module.exports = {
  rootDir: __dirname,
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  // They need root: test/lab/jest.config.cjs.
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/lab/'],
  testEnvironment: 'node',
  testTimeout: 30_000,
  // Most tests wait for other processes and for time to pass; by default, one processor would be left out.
  maxWorkers: '100%',
  moduleFileExtensions: ['ts', 'mts', 'js', 'mjs', 'cjs', 'json', 'node'],
  moduleNameMapper: {
    '^(\\.{1,2}/.*)\\.js$': ['$1.js', '$1.ts'],
    ...Object.fromEntries(
      ['hawser', 'hawser/testing'].map((name) => [`^${name}$`, packageEntry(name)]),
    ),
  },
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/build', '<rootDir>/prebuilds'],
  transform: {
    // Also what is not compiled: the benchmark suite is plain modules.
    '\\.(ts|mjs)$': [
      '@swc/jest',
      {
        swcrc: false,
        jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
        module: { type: 'commonjs', ignoreDynamic: true },
        sourceMaps: 'inline',
      },
    ],
  },
}
