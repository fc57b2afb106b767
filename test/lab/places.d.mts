/**
 * What this machine lacks for the lab: root, the TUN device, tools with the Debian packages they are in. Empty when it
 * lacks nothing.
 */
export function missing(): string

/** A loopback interface that treats packets as a network card for Ethernet does. */
export interface Wire {
  /** The network namespace, as `ip netns` calls it. */
  readonly namespace: string
  /** `127.0.0.1`: both sides are in the one namespace. */
  readonly address: string
  /** What stands before a command that is to run there. */
  readonly exec: readonly string[]
  /**
   * Loses each packet that comes in with this probability, 0 to 1, in steps of 10^-6; nftables decides, without a seed.
   * @throws RangeError
   */
  loss(fraction: number): Promise<void>
  /** Packets lost so far. */
  lost(): Promise<number>
  /** Removes it, with the processes in it. */
  close(): Promise<void>
}

/**
 * A namespace whose lo has an MTU of 1,500 bytes and cuts and joins nothing (no TSO, GSO, GRO and UDP segmentation).
 * Needs root.
 */
export function wire(): Promise<Wire>
