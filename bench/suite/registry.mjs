// Who takes part. What is said here needs no installed package; the adapters themselves are loaded by the processes of a run only.
//
//   name, title     on the command line, in the table
//   file            the adapter
//   needs           'rivals': the packages of bench/rivals; 'twin': the compiled bench/twin; `undefined`: nothing
//   reliable        false: what is lost stays lost, and is no failure
//   protected       encrypted and authenticated
//   external        not a pair of our processes: no messages, no check, no ratio to be proud of
//   workloads       the only ones that it takes part in
//   batched         the application gathers messages by hand, so that there is nothing to measure where single messages wait for an answer
//   quick           part of `--quick`
//   sessions        the most sessions in W6; 0: not in W6
//   senderListens   the sending process is the one that listens
//   pausable        false: its API cannot stop reading
//   tcp             the congestion control of its TCP, if it is not `usualController`
//   adapter         the name in the adapter's file, if it is not its own
//   maxBytes        the longest message, where there is a limit below 64 KiB

const at = (path) => new URL(path, import.meta.url).href

export const contenders = [
  {
    name: 'hawser',
    title: 'Hawser',
    file: at('../contenders/hawser.mjs'),
    protected: true,
    quick: true,
    sessions: 10_000,
  },
  {
    name: 'hawser-spin',
    title: 'Hawser, spinning',
    file: at('../contenders/hawser.mjs'),
    protected: true,
    workloads: ['w4'],
  },
  {
    name: 'hawser-counted',
    title: 'Hawser, acknowledgements counted',
    file: at('../contenders/hawser.mjs'),
    protected: true,
    workloads: ['w6'],
    sessions: 10_000,
  },
  {
    name: 'twin',
    title: 'Hawser in TypeScript (twin)',
    file: at('../contenders/twin.mjs'),
    needs: 'twin',
    protected: true,
    sessions: 1000,
    pausable: false,
    quick: true,
  },
  {
    name: 'net',
    title: 'TCP, one write a message',
    file: at('../contenders/net.mjs'),
    quick: true,
    sessions: 10_000,
  },
  {
    name: 'net-corked',
    title: 'TCP, corked',
    file: at('../contenders/net.mjs'),
    batched: true,
    quick: true,
  },
  {
    name: 'net-batched',
    title: 'TCP, hand-batched',
    file: at('../contenders/net.mjs'),
    batched: true,
    quick: true,
  },
  {
    name: 'net-batched-bbr',
    title: 'TCP (bbr), hand-batched',
    file: at('../contenders/net.mjs'),
    adapter: 'net-batched',
    batched: true,
    tcp: 'bbr',
    workloads: ['w5'],
  },
  {
    name: 'tls',
    title: 'TLS, one write a message',
    file: at('../contenders/tls.mjs'),
    protected: true,
    quick: true,
    sessions: 10_000,
  },
  {
    name: 'tls-batched',
    title: 'TLS, hand-batched',
    file: at('../contenders/tls.mjs'),
    protected: true,
    batched: true,
    quick: true,
  },
  {
    name: 'udx',
    title: 'udx, one write a message',
    file: at('../rivals/udx.mjs'),
    needs: 'rivals',
    sessions: 10_000,
  },
  {
    name: 'udx-batched',
    title: 'udx, hand-batched',
    file: at('../rivals/udx.mjs'),
    needs: 'rivals',
    batched: true,
  },
  {
    name: 'secret-stream',
    title: 'secret-stream over udx',
    file: at('../rivals/secret-stream.mjs'),
    needs: 'rivals',
    protected: true,
    sessions: 10_000,
  },
  {
    name: 'datachannel',
    title: 'node-datachannel',
    pausable: false,
    file: at('../rivals/datachannel.mjs'),
    needs: 'rivals',
    protected: true,
  },
  {
    name: 'ws',
    title: 'ws',
    file: at('../rivals/ws.mjs'),
    needs: 'rivals',
    sessions: 10_000,
    senderListens: true,
  },
  {
    name: 'zeromq',
    title: 'zeromq',
    file: at('../rivals/zeromq.mjs'),
    needs: 'rivals',
  },
  {
    name: 'libp2p',
    title: 'libp2p, one send a message',
    file: at('../rivals/libp2p.mjs'),
    needs: 'rivals',
    protected: true,
  },
  {
    name: 'libp2p-batched',
    title: 'libp2p, hand-batched',
    file: at('../rivals/libp2p.mjs'),
    needs: 'rivals',
    protected: true,
    batched: true,
  },
  {
    name: 'dgram',
    title: 'dgram (unreliable)',
    file: at('../contenders/dgram.mjs'),
    reliable: false,
    quick: true,
    maxBytes: 65_507,
  },
  {
    name: 'iperf3',
    title: 'iperf3 (TCP, native)',
    external: true,
    workloads: ['w2', 'w3'],
  },
  {
    name: 'iperf3-cubic',
    title: 'iperf3 (TCP cubic)',
    external: true,
    tcp: 'cubic',
    workloads: ['w5'],
  },
  {
    name: 'iperf3-bbr',
    title: 'iperf3 (TCP bbr)',
    external: true,
    tcp: 'bbr',
    workloads: ['w5'],
  },
].map((contender) => ({
  reliable: true,
  protected: false,
  batched: false,
  sessions: 0,
  ...contender,
}))

/** The contender that the ratios are about. */
export const ours = 'hawser'
