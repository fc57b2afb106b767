// One run: two processes with one contender between them, driven through one workload.

import { spawn } from 'node:child_process'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Remote, RunFailure } from './control.mjs'

const child = fileURLToPath(new URL('child.mjs', import.meta.url))

/** Starts one of the two. `place.prefix` is the command that puts it where it belongs, such as `ip netns exec NAME`. */
function start(name, prefix) {
  const [command, ...rest] = [...prefix, process.execPath, '--expose-gc', child]
  const started = spawn(command, rest, {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    serialization: 'advanced',
  })
  return new Remote(started, name)
}

function fileUrl(file) {
  return file.startsWith('file:') ? file : pathToFileURL(file).href
}

/**
 * Runs a workload once. `spot` is `{ sender: { prefix, host, peer }, receiver: { … } }`: where each process runs, the address it has, and that under which
 * the other one reaches it. Bulk workloads call `hooks.before`
 * before the warm-up, `hooks.start` and `hooks.after` around what is timed. Resolves to the workload's metrics; rejects with a RunFailure.
 */
export async function runPair({ contender, workload, spot, settings, hooks = {} }) {
  const sender = start('sender', spot.sender.prefix)
  const receiver = start('receiver', spot.receiver.prefix)
  sender.onSignal = (data) => receiver.signal(data)
  receiver.onSignal = (data) => sender.signal(data)
  const purpose = workload.purpose
  const about = {
    contender: { ...contender, file: fileUrl(contender.file) },
    purpose,
    workload: fileUrl(workload.file),
  }
  try {
    const begin = (remote, role, own, other) =>
      remote.ask('begin', { ...about, role, host: own.host, connectTo: other.host, ...settings })
    await Promise.all([
      begin(sender, 'sender', spot.sender, spot.receiver),
      begin(receiver, 'receiver', spot.receiver, spot.sender),
    ])
    const swapped = contender.senderListens && !workload.receiverListens
    const [listener, dialler] = swapped ? [sender, receiver] : [receiver, sender]
    const drive = workload.drive({
      sender,
      receiver,
      listener,
      dialler,
      contender,
      settings,
      hooks,
    })
    return await Promise.race([drive, sender.failed, receiver.failed])
  } catch (error) {
    if (error instanceof RunFailure) throw error
    throw new RunFailure(String(error?.message ?? error))
  } finally {
    await Promise.all([sender.end(), receiver.end()])
  }
}

/** Opens `count` sessions. Resolves to the seconds that the dialling side needed. */
export async function openSessions(
  { listener, dialler },
  count = 1,
  concurrency = 1,
  timeout = 20_000,
) {
  const address = await listener.ask('listen', { count })
  const seconds = await dialler.ask('connect', { address, count, concurrency }, timeout)
  await listener.ask('linked', { count }, timeout)
  return seconds
}
