// Table and charts begin with the best, whether that is the most or the least.

// biome-ignore lint/suspicious/noExplicitAny: plain modules, without types
const bench = (file: string): any => require(`../../bench/${file}.mjs`)

const { charts } = bench('suite/chart')
const { renderTable } = bench('suite/table')

const values = { hawser: 2, net: 3, tls: 1 }

function results(workload: string, metric: string) {
  const runs = Object.entries(values).map(([contender, value]) => ({
    workload,
    place: 'lo',
    contender,
    run: 0,
    metrics: { [metric]: value * 1e6 },
  }))
  const failed = { workload, place: 'lo', contender: 'udx', run: 0, failure: 'it broke' }
  return {
    date: '2026-01-02T03:04:05.000Z',
    machine: {
      processor: 'p',
      processors: 2,
      memoryBytes: 2 ** 33,
      system: 's',
      load: 0,
      socketBuffers: { receive: '1', send: '2' },
      congestionControl: 'cubic',
    },
    versions: {},
    configuration: 'c',
    took: 1,
    left: [],
    // What failed comes last wherever it was.
    runs: [failed, ...runs],
  }
}

const titles = ['Hawser', 'TCP, one write', 'TLS, one write', 'udx, one write']

/** The titles in the order in which lines that `pattern` matches begin with them. */
function order(text: string, pattern: RegExp) {
  return [...text.matchAll(pattern)].flatMap(([, label]) =>
    titles.filter((title) => label?.replace('● ', '').startsWith(title)),
  )
}

describe.each([
  ['the most', 'w1', 'messages', ['TCP, one write', 'Hawser', 'TLS, one write']],
  ['the least', 'w4', 'p50', ['TLS, one write', 'Hawser', 'TCP, one write']],
])('where %s is best', (_, workload, metric, best) => {
  test('the table begins with it, and ends with what failed', () => {
    const text: string = renderTable(results(workload, metric))
    expect(order(text, /^[* ] (\S.*)/gm)).toEqual([...best, 'udx, one write'])
  })

  test('the chart begins with it', () => {
    const svg: string = charts(results(workload, metric))[`${workload}-lo.svg`]
    expect(order(svg, /<text class="label[^>]*>([^<]*)</g)).toEqual(best)
    const bars = [...svg.matchAll(/<rect class="bar[^>]* width="([\d.]+)"/g)]
    const lengths = bars.map(([, length]) => Number(length))
    const sorted = [...lengths].sort((a, b) => (workload === 'w1' ? b - a : a - b))
    expect(lengths).toEqual(sorted)
  })
})
