import type { Frame } from '../wire/frames'

/** Something to be said until it is acknowledged. */
export interface Control {
  /** As it is now; `undefined` if there is nothing to say any more. */
  frame(): Frame | undefined
  acknowledged?(): void
  /** Somebody waits for the acknowledgement: it is asked for at once. */
  readonly urgent?: boolean
}
