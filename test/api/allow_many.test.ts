// How many calls of `allow` one peer can have run at once.

import type { Channel } from '../../lib'
import { echo, makePeer, turns, until } from '../support/peers'

/** Calls without an answer that one session may have. */
const most = 256

async function makeDoor(allowTimeout: number) {
  const answers: ((value: boolean) => void)[] = []
  const server = await makePeer()
  const allow = () => new Promise<boolean>((resolve) => answers.push(resolve))
  server.serve('door', { allow, allowTimeout }, echo)
  server.serve('gate', { allow, allowTimeout }, echo)
  server.on('handlerError', () => {})
  const client = await makePeer()
  const knock = (timeout = 60_000) => {
    const opening = client.open(server.address, 'door', { timeout })
    opening.catch(() => {})
    return opening
  }
  return { server, client, answers, knock }
}

test('further channels of a peer that has 256 waiting are refused at once, and of nobody else', async () => {
  const { server, client, answers, knock } = await makeDoor(60_000)
  const waiting = Array.from({ length: most }, () => knock())
  await until(() => answers.length === most)
  await expect(knock()).rejects.toMatchObject({ code: 'SERVICE_REFUSED' })
  // Whichever service it is.
  await expect(client.open(server.address, 'gate')).rejects.toMatchObject({
    code: 'SERVICE_REFUSED',
  })
  expect(answers.length).toBe(most)
  expect(server.stats()).toMatchObject({ channels: 0, channelsRefused: 2 })
  const other = await makePeer()
  const opening = other.open(server.address, 'door')
  await until(() => answers.length === most + 1)
  answers[most]?.(true)
  expect((await opening).state).toBe('open')
  // An answer makes room for one.
  answers[0]?.(true)
  const first = (await waiting[0]) as Channel
  expect(first.state).toBe('open')
  const next = knock()
  await until(() => answers.length === most + 2)
  await expect(knock()).rejects.toMatchObject({ code: 'SERVICE_REFUSED' })
  answers[most + 1]?.(false)
  await expect(next).rejects.toMatchObject({ code: 'SERVICE_REFUSED' })
})

test('taking channels back makes no room: the calls still run', async () => {
  const { server, answers, knock } = await makeDoor(60_000)
  const waiting = Array.from({ length: most }, () => knock(500))
  await Promise.allSettled(waiting)
  await until(() => answers.length === most)
  await expect(knock()).rejects.toMatchObject({ code: 'SERVICE_REFUSED' })
  for (const answer of answers) answer(false)
  await turns(5)
  const opening = knock()
  await until(() => answers.length === most + 1)
  answers[most]?.(true)
  expect((await opening).state).toBe('open')
  expect(server.stats()).toMatchObject({ channels: 1, channelsAccepted: 1 })
})

test('a call that has taken longer than allowTimeout counts no more', async () => {
  const { answers, knock } = await makeDoor(300)
  const waiting = Array.from({ length: most }, () => knock())
  await Promise.allSettled(waiting)
  expect(answers.length).toBe(most)
  const opening = knock()
  await until(() => answers.length === most + 1)
  answers[most]?.(true)
  expect((await opening).state).toBe('open')
})
