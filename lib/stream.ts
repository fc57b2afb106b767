// A channel as a Node.js stream of bytes.

import { Duplex } from 'node:stream'
import type { ChannelCore } from './channel_core'
import { ChannelError } from './errors'
import type { Reader } from './reader'

type Callback = (error?: Error | null) => void

/** Reads with a reader that was acquired for it; writes messages of at most `chunkBytes`. */
export class ChannelStream extends Duplex {
  readonly #channel: ChannelCore
  readonly #reader: Reader<unknown>
  readonly #chunkBytes: number
  #reading = false

  constructor(channel: ChannelCore, reader: Reader<unknown>, chunkBytes: number) {
    super({ decodeStrings: true, emitClose: true })
    this.#channel = channel
    this.#reader = reader
    this.#chunkBytes = chunkBytes
  }

  override _read(): void {
    if (this.#reading) return
    this.#reading = true
    this.#fill().then(
      () => {
        this.#reading = false
      },
      (error) => this.#fail(error),
    )
  }

  async #fill(): Promise<void> {
    for (;;) {
      const bytes = await this.#reader.pullBytes()
      if (this.destroyed) return
      if (bytes === undefined) {
        this.push(null)
        return
      }
      // An empty message is nothing in a stream of bytes.
      if (bytes.length > 0 && !this.push(bytes)) return
    }
  }

  override _write(chunk: Buffer, _encoding: string, callback: Callback): void {
    this.#finish(this.#send(chunk), callback)
  }

  override _writev(chunks: { chunk: Buffer }[], callback: Callback): void {
    // Small writes that had to wait share messages.
    const joined = Buffer.concat(chunks.map(({ chunk }) => chunk))
    this.#finish(this.#send(joined), callback)
  }

  async #send(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length; at += this.#chunkBytes) {
      await this.#channel.write(bytes.subarray(at, at + this.#chunkBytes))
    }
  }

  override _final(callback: Callback): void {
    this.#finish(this.#channel.end(), callback)
  }

  #finish(work: Promise<void>, callback: Callback): void {
    work.then(
      () => callback(),
      (error) => {
        this.#fail(error)
        callback(error)
      },
    )
  }

  // That the channel or its peer was closed here is nothing that has to be handled.
  #fail(error: Error): void {
    const local = error instanceof ChannelError && error.info.by === 'local'
    this.destroy(local ? undefined : error)
  }

  override _destroy(error: Error | null, callback: Callback): void {
    this.#reader.release()
    // Both directions at their end: the channel closes by itself.
    const complete = this.readableEnded && this.writableFinished
    if (!complete) this.#channel.reset(error?.message ?? 'the stream was destroyed')
    callback(error)
  }
}
