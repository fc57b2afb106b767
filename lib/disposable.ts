// `Symbol.asyncDispose` is missing in the first releases of Node 20.

/** `Symbol.asyncDispose`, or a stand-in where the runtime has none. */
export const asyncDispose: typeof Symbol.asyncDispose =
  Symbol.asyncDispose ?? (Symbol.for('Symbol.asyncDispose') as typeof Symbol.asyncDispose)
