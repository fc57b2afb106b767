// Claims 1, 25, 45: a channel between an interface of one peer and an interface of another.

import { exchange } from './processes'
import { numbered } from './support'

test('two OS processes exchange messages both ways over UDP', async () => {
  const { answers, received, codes } = await exchange(500)
  expect(received).toBe(500)
  expect(answers).toEqual(numbered(1, 500))
  expect(codes).toEqual([0, 0])
})
