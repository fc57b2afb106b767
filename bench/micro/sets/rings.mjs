// Messages through the rings: pushed, copied into packets, acknowledged; and received, put in order, handed over.

const perCall = 6_400

export function rings({ addon }) {
  const loop = (name, call, each) => ({
    name,
    perCall,
    call: () => call(perCall),
    work: each * perCall,
  })
  return [
    // A length of two bytes before each: 64 does not fit into one.
    loop('rings: send 64 B, push to acknowledged', addon.send64, 66),
    loop('rings: send 1 KiB, push to acknowledged', addon.send1024, 1_026),
    loop('rings: receive 64 B in order', addon.receiveInOrder, 1),
    loop('rings: receive 64 B, every other run early', addon.receiveSwapped, 1),
  ]
}
