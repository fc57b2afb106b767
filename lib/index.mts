// The ES module form of the package: the same instance, under the same names.
export * from './index.js'
