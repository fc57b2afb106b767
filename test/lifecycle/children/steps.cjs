// One step of a life, in a process of its own:   node steps.cjs STEP DRIVER
// A step that comes to its end prints 'done'; how the process then ends is for the test to say.

const { say } = require('./common.cjs')

const steps = {
  ...require('./ending.cjs'),
  ...require('./again.cjs'),
  ...require('./staying.cjs'),
  ...require('./memory.cjs'),
}

const work = steps[process.argv[2]]
if (work === undefined) throw new Error(`no such step: ${process.argv[2]}`)
Promise.resolve(work()).then(() => say('done'))
