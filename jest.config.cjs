// Tests are TypeScript, compiled by swc one file at a time; types are checked by `npm run types`.
// The acceptance tests of the claims also run against an installed package: HAWSER_PACKAGE is the folder it is installed in.
const installed = process.env.HAWSER_PACKAGE

/** @type {import('jest').Config} */
module.exports = {
  rootDir: __dirname,
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  testEnvironment: 'node',
  testTimeout: 30_000,
  moduleFileExtensions: ['ts', 'mts', 'js', 'mjs', 'cjs', 'json', 'node'],
  moduleNameMapper: {
    '^(\\.{1,2}/.*)\\.js$': ['$1.js', '$1.ts'],
    ...(installed === undefined
      ? {
          '^hawser$': '<rootDir>/lib/index.ts',
          '^hawser/testing$': '<rootDir>/lib/testing/index.ts',
        }
      : { '^(hawser(?:/testing)?)$': require.resolve('hawser', { paths: [installed] }) }),
  },
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/build', '<rootDir>/prebuilds'],
  transform: {
    '\\.ts$': [
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
