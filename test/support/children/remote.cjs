// The other side of `Child` in processes.ts: offers functions to the process that forked this one.

/** What of an error can cross. */
function tale(error) {
  if (!(error instanceof Error)) return { name: typeof error, message: String(error) }
  const { name, code, message, info, attempts } = error
  return {
    name,
    code,
    message,
    ...(info && { info: { by: info.by, unacknowledged: info.unacknowledged } }),
    ...(attempts && { attempts }),
  }
}

/** Answers calls of `functions`, each of which takes one argument and may be async. */
function expose(functions) {
  process.on('message', async ({ id, name, argument }) => {
    let answer
    try {
      answer = { id, value: await functions[name](argument) }
    } catch (error) {
      answer = { id, error: tale(error) }
    }
    if (process.connected) process.send(answer)
  })
  // Nobody is left to ask.
  process.on('disconnect', () => process.exit(0))
}

module.exports = { expose, tale }
