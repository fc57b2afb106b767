// A peer, as applications see it.

import type { EventEmitter } from 'node:events'
import type { Target } from './address'
import type { Bytes } from './bytes'
import type { Channel, Remote } from './channel'
import { type Engine, engine } from './engine'
import type { PeerId } from './identity'
import { openHost } from './listen'
import type { ChannelOptions } from './options/channel'
import { type PeerOptions, type PeerSettings, peerOptions, withIdentity } from './options/peer'
import { PeerCore } from './peer_core'
import type { Handler, Service } from './service'
import type { PeerStats } from './stats'
import type { Waiting } from './waiting'

/** Options of {@link Peer.serve}: those of each channel on the serving side, without `metadata`. */
export interface ServeOptions<Out = Bytes, In = Buffer> extends ChannelOptions<Out, In> {
  /**
   * Who may open channels: the peers of a list, or those for which a function answers true. Others get `SERVICE_REFUSED`. Default:
   * everybody may; `[]`: nobody. The list is copied. An id and its negation (the same 32 bytes but for the top bit of the last one,
   * which one private key can both prove) are the same peer here.
   *
   * The function is asked for each channel. As long as the promise that it answered is pending, the channel is neither accepted nor
   * refused, and its opener waits, up to its own timeout; an answer that comes too late does nothing. A function that throws,
   * rejects, answers anything but true or false, or takes longer than `allowTimeout`, refuses the channel, and the peer emits
   * `'handlerError'`. While 256 such promises are pending for one session, further channels of it get `SERVICE_REFUSED` at once.
   */
  allow?: readonly PeerId[] | ((remote: Remote) => boolean | Promise<boolean>)
  /**
   * How long a promise of the function `allow` may be pending. Then the channel is refused. Milliseconds, 1 to 2,147,483,647, or
   * `Infinity`: as long as the opener waits. Default 10,000, as long as `open` waits by default.
   */
  allowTimeout?: number
}

/** The events of a {@link Peer}. Nothing that a remote peer does emits `'error'`. */
export interface PeerEvents {
  /** A session with another peer is open, no matter which side began it. */
  session: [Remote]
  /**
   * A handler threw or rejected, and its channel was reset; or `allow` did, and its channel was refused. Without a listener, the
   * first one is printed as a warning of the process.
   */
  handlerError: [unknown, Channel]
  /** The peer is closed or destroyed. */
  close: []
}

/**
 * One node: it owns sockets, sessions with other peers, and services.
 *
 * A peer keeps the process alive while it has open services or channels, or something to wait for; `unref()` lifts that.
 * A peer that is collected without having been closed is destroyed.
 */
export interface Peer extends EventEmitter<PeerEvents>, AsyncDisposable {
  readonly id: PeerId
  /**
   * The address to give to others, the first of `addresses`. Empty if there is none (`listen: false`, or no network).
   */
  readonly address: string
  /**
   * All addresses of this peer, `hawser://ID@host:port`, best first, loopback last. Never a wildcard, and no
   * container bridges when there is something better. Looked up anew each time.
   */
  readonly addresses: readonly string[]

  /**
   * Lets others open channels to `service` (1 to 255 bytes of UTF-8). The handler is called for each.
   *
   * @throws {@link HawserError} `SERVICE_EXISTS`, `PEER_CLOSED`
   * @throws {@link OptionError}
   */
  serve<Out = Bytes, In = Buffer>(service: string, handler: Handler<Out, In>): Service
  serve<Out = Bytes, In = Buffer>(
    service: string,
    options: ServeOptions<Out, In>,
    handler: Handler<Out, In>,
  ): Service
  /**
   * Opens a channel to a service of another peer. Channels to the same peer share a session. A session without channels
   * ends after `limits.idleTimeout`.
   *
   * Rejects after `timeout` (default 10,000 ms, for everything together) with a {@link ConnectError} `CONNECT_TIMEOUT`, and
   * with `SERVICE_REFUSED`, `CONNECT_FAILED`, `LIMIT_REACHED`, `OUT_OF_MEMORY`, with what ended the session, or with what the service did to
   * the channel at once (`HANDLER_FAILED`, `CHANNEL_RESET`); its `attempts` list the addresses that were tried. Rejects with `PEER_NOT_FOUND`, `PEER_CLOSED`, an {@link OptionError}, or the signal's reason.
   */
  open<Out = Bytes, In = Buffer>(
    to: Target,
    service: string,
    options?: ChannelOptions<Out, In> & Waiting,
  ): Promise<Channel<Out, In>>
  /** Opens a channel to whoever serves the name. Not available in this version: rejects with an {@link OptionError}. */
  openAny<Out = Bytes, In = Buffer>(
    service: string,
    options?: ChannelOptions<Out, In> & Waiting,
  ): Promise<Channel<Out, In>>
  /** The counters of this peer. They can still be read when it is closed. */
  stats(): PeerStats
  /** Undoes `unref`. */
  ref(): this
  /** The process may end although this peer is open. */
  unref(): this
  /**
   * Takes no more channels, closes all that are open, then all sessions, then the sockets. `timeout` (default 5,000 ms) and
   * the signal limit how long channels drain, not the promise: it always resolves, and the channels report what was left.
   */
  close(options?: Waiting): Promise<void>
  /** Closes everything at once, without a word to anybody. */
  destroy(): void
}

/**
 * Creates a peer and opens its sockets.
 *
 * Rejects with `LISTEN_FAILED`, `NATIVE_MISSING`, what is wrong with a key file (`IDENTITY_UNSAFE`, `IDENTITY_INVALID`, `IDENTITY_FAILED`), an {@link OptionError}, or the signal's reason.
 *
 * ```ts
 * const peer = await createPeer()
 * peer.serve('echo', async (channel) => {
 *   for await (const message of channel) await channel.write(message)
 * })
 * ```
 */
export async function createPeer(options?: PeerOptions): Promise<Peer> {
  const checked = peerOptions(options)
  checked.signal?.throwIfAborted()
  const running = engine(checked.driver, checked.threads)
  const settings = await withIdentity(checked)
  settings.signal?.throwIfAborted()
  return peerOn(running, settings)
}

/** Creates a peer on an engine. */
export async function peerOn(running: Engine, settings: PeerSettings): Promise<Peer> {
  const host = await openHost(running.native, settings)
  if (settings.signal?.aborted === true) {
    running.native.hostDestroy(host.handle)
    throw settings.signal.reason
  }
  return new PeerCore(running, host, settings).asPeer()
}
