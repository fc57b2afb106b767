// All workloads, in the order in which they run.

import { workload as w1 } from '../workloads/w1.mjs'
import { workload as w2 } from '../workloads/w2.mjs'
import { workload as w3 } from '../workloads/w3.mjs'
import { workload as w4 } from '../workloads/w4.mjs'
import { workload as w5 } from '../workloads/w5.mjs'
import { workload as w6 } from '../workloads/w6.mjs'
import { workload as w7 } from '../workloads/w7.mjs'
import { workload as w8 } from '../workloads/w8.mjs'
import { workload as w9 } from '../workloads/w9.mjs'

export const workloads = [w1, w2, w3, w4, w5, w6, w7, w8, w9].map((workload) => ({
  ...workload,
  file: new URL(`../workloads/${workload.name}.mjs`, import.meta.url).href,
}))

/** What is measured in ways of its own: in one process, and without JavaScript. */
export const extras = [
  { name: 'micro', title: 'micro-benchmarks of the parts' },
  { name: 'ceilings', title: 'native ceilings: UDP with GSO and GRO, plain and sealed' },
]
