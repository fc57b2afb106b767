// A Buffer over given memory, several times cheaper to make than `Buffer.from(memory, offset, length)` or `subarray`. Instances are
// Buffers for every purpose. Hawser makes its messages so; the adapters that cut messages out of a stream do it as cheaply.

class FastBuffer extends Uint8Array {}
Object.setPrototypeOf(FastBuffer.prototype, Buffer.prototype)

export function viewOf(memory, offset, length) {
  return new FastBuffer(memory, offset, length)
}
