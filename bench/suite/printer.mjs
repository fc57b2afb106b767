// What is said while runs go on: on a terminal a bar, elsewhere a line a run. On standard error, so that standard output has the results alone.

import { SingleBar } from 'cli-progress'
import { figure, inUnit } from './results.mjs'
import { workloads } from './workloads.mjs'

function outcome({ workload, failure, metrics }) {
  if (failure !== undefined) return `FAILED: ${failure}`
  const [metric] = workloads.find(({ name }) => name === workload).metrics
  return `${figure(inUnit(metric, metrics[metric.key]))}${metric.unit ?? ` ${metric.title}`}`
}

function name({ workload, place, case: variant, contender }) {
  return [workload, place, variant, contender].filter(Boolean).join(' ')
}

export function printer() {
  const out = process.stderr
  const say = (text) => out.write(`bench: ${text}\n`)
  let bar
  const started = Date.now()
  let done = 0
  let total = 0
  return {
    say,
    begin(count) {
      total = count
      if (!out.isTTY || count === 0) return
      bar = new SingleBar({
        format: '{bar} {value}/{total} {what}',
        stream: out,
        clearOnComplete: true,
      })
      bar.start(count, 0, { what: '' })
    },
    end() {
      bar?.stop()
    },
    report: {
      run(result) {
        done++
        if (bar !== undefined) bar.update(done, { what: `${name(result)}: ${outcome(result)}` })
        else
          out.write(
            `${((Date.now() - started) / 1000).toFixed(0).padStart(4)} s ${done}/${total} ${name(result)}: ${outcome(result)}\n`,
          )
      },
      place: (place, reason) => say(`place "${place}" cannot be opened: ${reason}`),
    },
  }
}
