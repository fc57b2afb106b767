// The ES module form of 'hawser/testing': the same instance, under the same names.
export * from './index.js'
