// Who a peer is: an Ed25519 key pair, named by its public key.

import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  type KeyObject,
  randomBytes,
} from 'node:crypto'
import { decodeBase32, encodeBase32 } from './base32'
import { HawserError } from './errors'
import { createKeyFile, filePath, invalidKeyFile, readKeyFile } from './key_file'
import { native } from './native'

/** The name of a peer: its 32-byte Ed25519 public key as 52 characters of z-base-32. */
export type PeerId = string & { readonly __brand: 'PeerId' }

/** Length of a public key, bytes. */
const keyBytes = 32

/** What stands before the 32 bytes of an Ed25519 private key in PKCS #8 (RFC 8410, section 7). */
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex')

/** The name for a public key of 32 bytes. */
export function peerIdFromKey(publicKey: Uint8Array): PeerId {
  return encodeBase32(publicKey) as PeerId
}

/** The public key that a name stands for; `undefined` if the text is not a peer id. */
export function keyFromPeerId(id: string): Uint8Array | undefined {
  return decodeBase32(id, keyBytes)
}

/** True if `text` is written as a peer id is. Says nothing about whether such a peer exists. */
export function isPeerId(text: unknown): text is PeerId {
  return typeof text === 'string' && keyFromPeerId(text) !== undefined
}

/**
 * A key file, all of it. 64 characters of base 64 without padding are 48 bytes, and there is only one way to write them. Windows
 * may end lines in its own way.
 */
const keyFileForm =
  /^(?:Hawser identity (\w+)\r?\n)?-----BEGIN PRIVATE KEY-----\r?\n([A-Za-z\d+/]{64})\r?\n-----END PRIVATE KEY-----\r?\n$/

/** How often a key file is looked for and made by turns, when it comes and goes. */
const fileTries = 4

/**
 * An Ed25519 key pair. Give the same one to `createPeer` again and the peer has the same id. Whoever has the key is that peer.
 *
 * **Key files** are text: a line `Hawser identity ID`, then the key in PKCS #8 as PEM (RFC 8410, RFC 7468). That is what other
 * programs read and write: `openssl pkey -in FILE -text` shows the key, and what `openssl genpkey -algorithm ed25519` makes is
 * read as well. PEM has no checksum; the id in the first line is one: a key that was damaged has another id, and is
 * refused. Key files are not encrypted, so only their owner may read them (mode 0600).
 */
export class Identity {
  /** The name of a peer with this identity. */
  readonly id: PeerId
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  /** Where no memory of JavaScript holds it. */
  readonly #seed: KeyObject

  private constructor(publicKey: Uint8Array, seed: KeyObject) {
    this.id = peerIdFromKey(publicKey)
    this.publicKey = publicKey
    this.#seed = seed
  }

  /** A new identity from the system's random numbers. It lives in memory, until it is saved. */
  static generate(): Identity {
    const seed = randomBytes(keyBytes)
    try {
      return Identity.fromSeed(seed)
    } finally {
      seed.fill(0)
    }
  }

  /**
   * Reads a key file. Nothing is made if there is none; `createPeer({ identity: path })` does that.
   *
   * Symbolic links are followed. Rejects with
   * - `IDENTITY_UNSAFE` if it is not a regular file, belongs to another user, or lets group or others do anything at all (not
   *   checked on Windows, where files have other permissions);
   * - `IDENTITY_INVALID` if it is longer than 1,024 bytes, cut off, damaged, or anything else than a key file;
   * - `IDENTITY_FAILED` if there is none, or it cannot be read: `cause` is the system's error;
   * - an {@link OptionError} if `path` is not a string, or empty.
   */
  static async load(path: string): Promise<Identity> {
    const file = filePath('path', path)
    const contents = await readKeyFile(file)
    if (contents !== undefined) return Identity.#parse(file, contents)
    throw new HawserError('IDENTITY_FAILED', `there is no key file '${file}'`, {
      hint: 'createPeer({ identity: path }) makes one, and so does identity.save(path)',
    })
  }

  /**
   * Reads a key file, or makes one with a new identity if there is none. Processes that do this at the same time get the same
   * identity.
   *
   * @internal
   */
  static async loadOrCreate(file: string): Promise<Identity> {
    for (let tries = 0; tries < fileTries; tries++) {
      const contents = await readKeyFile(file)
      if (contents !== undefined) return Identity.#parse(file, contents)
      const made = Identity.generate()
      if (await made.#create(file)) return made
    }
    throw new HawserError('IDENTITY_FAILED', `key file '${file}' can be neither read nor made`, {
      hint: 'is this a symbolic link to nothing? Give the path that it leads to',
    })
  }

  /**
   * The identity that 32 bytes stand for, always the same one. The bytes are copied.
   *
   * @internal
   */
  static fromSeed(seed: Uint8Array): Identity {
    return new Identity(publicKeyOf(seed), createSecretKey(seed))
  }

  static #parse(file: string, contents: Buffer): Identity {
    const match = keyFileForm.exec(contents.toString('latin1'))
    contents.fill(0)
    if (match === null) throw invalidKeyFile(file, 'is damaged, or not a key file')
    const key = Buffer.from(match[2] as string, 'base64')
    try {
      const prefix = key.subarray(0, pkcs8Prefix.length)
      if (!prefix.equals(pkcs8Prefix)) throw invalidKeyFile(file, 'holds no Ed25519 key')
      const identity = Identity.fromSeed(key.subarray(pkcs8Prefix.length))
      if (match[1] === undefined || match[1] === identity.id) return identity
      throw invalidKeyFile(file, 'is damaged: its key has another id than it says')
    } finally {
      key.fill(0)
    }
  }

  /**
   * Writes a key file that only this user may read, mode 0600. The folder must exist. The file appears all at once, when it
   * is on the disk. What is there already is never overwritten: take it away before, if that is meant.
   *
   * Rejects with
   * - `IDENTITY_EXISTS` if there is something under this name, even if it is the same key;
   * - `IDENTITY_FAILED` if it cannot be written, for instance into a folder that is missing, read-only or full: `cause` is the system's
   *   error. It needs a file system with hard links;
   * - `IDENTITY_UNSAFE` if the file system cannot keep others from reading it;
   * - an {@link OptionError} if `path` is not a string, or empty.
   */
  async save(path: string): Promise<void> {
    const file = filePath('path', path)
    if (await this.#create(file)) return
    throw new HawserError('IDENTITY_EXISTS', `there is a file '${file}' already`, {
      hint: 'choose another path; a key that is overwritten cannot be had again',
    })
  }

  async #create(file: string): Promise<boolean> {
    const key = this.#pkcs8()
    const text = key.toString('base64')
    key.fill(0)
    const contents = Buffer.from(
      `Hawser identity ${this.id}\n-----BEGIN PRIVATE KEY-----\n${text}\n-----END PRIVATE KEY-----\n`,
    )
    try {
      return await createKeyFile(file, contents)
    } finally {
      contents.fill(0)
    }
  }

  #pkcs8(): Buffer {
    const { seed } = this
    try {
      return Buffer.concat([pkcs8Prefix, seed])
    } finally {
      seed.fill(0)
    }
  }

  /**
   * The 32 bytes that this identity stands for, a copy each time. Whoever takes them fills them with zeros when done.
   *
   * @internal
   */
  get seed(): Buffer {
    return this.#seed.export()
  }

  /** @internal */
  get privateKey(): KeyObject {
    const key = this.#pkcs8()
    try {
      return privateKeyFrom(key)
    } finally {
      key.fill(0)
    }
  }
}

// Not generateKeyPairSync with an export as JWK: in Node.js 20, a garbage collection in the middle of that export can
// free the job that made the key, which waits for a lock that the export holds, for ever.
function privateKeyFrom(key: Buffer): KeyObject {
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' })
}

/** By the addon, because reading a key as node:crypto does costs several times what all of a handshake does. */
function publicKeyOf(seed: Uint8Array): Uint8Array {
  const known = nativeIfThere()?.publicKey(seed)
  if (known !== undefined) return new Uint8Array(known)
  const key = Buffer.concat([pkcs8Prefix, seed])
  try {
    const spki = createPublicKey(privateKeyFrom(key)).export({ format: 'der', type: 'spki' })
    return new Uint8Array(spki.subarray(-keyBytes))
  } finally {
    key.fill(0)
  }
}

/** An identity can be had without it. */
function nativeIfThere() {
  try {
    return native()
  } catch {
    return undefined
  }
}
