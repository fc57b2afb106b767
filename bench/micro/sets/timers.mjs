// The timer wheel with a thousand timers.

export function timers({ addon }) {
  return [
    {
      name: 'timers: arm and expire',
      perCall: 10_000,
      call: () => addon.armAndExpire(10_000),
      work: 10_000,
    },
    // Answers how many are armed in the end.
    { name: 'timers: arm again', perCall: 10_000, call: () => addon.armAgain(10_000), work: 1_000 },
  ]
}
