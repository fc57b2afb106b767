// How a run was asked for, for those who read its results; and why a choice comes to nothing.

/** What is kept of the command line. */
export function choiceOf(choice) {
  const { workloads, extras, places, only, runs, seconds, seed, quick, full } = choice
  return {
    workloads: [...workloads.map(({ name }) => name), ...extras],
    places,
    only,
    runs,
    seconds,
    seed,
    quick,
    full,
    command: commandOf(choice),
  }
}

/** The command that makes the same run. It has no --save: that says where results are, not what they are. */
export function commandOf({ named, only, placesNamed, runs, seconds, seedNamed, quick, full }) {
  const parts = [...named]
  const option = (name, value) => {
    if (value !== undefined) parts.push(`--${name} ${value}`)
  }
  option('only', only?.join(','))
  option('place', placesNamed?.join(','))
  option('runs', runs)
  option('seconds', seconds)
  option('seed', seedNamed)
  if (quick) parts.push('--quick')
  if (full) parts.push('--full')
  return ['npm run bench', ...(parts.length > 0 ? ['--', ...parts] : [])].join(' ')
}

/** Lines that say why a plan has no runs. */
export function reasonsForNothing({ workloads, contenders, places }, plan) {
  const lines = []
  for (const { name, places: all } of workloads) {
    const here = all.filter((place) => places.includes(place))
    if (here.length === 0) {
      lines.push(`${name} runs on ${all.join(', ')} only`)
      continue
    }
    for (const contender of contenders) {
      const reasons = plan.left
        .filter((entry) => entry.workload === name && entry.contender === contender.name)
        .map(({ reason }) => reason)
      const why = reasons.length > 0 ? [...new Set(reasons)].join('; ') : 'takes no part there'
      lines.push(`${name} on ${here.join(', ')}: ${contender.name} ${why}`)
    }
  }
  return lines
}
