// Files that hold a secret: read only if nobody else can, made in one step, never overwritten.

import { randomBytes } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { type FileHandle, link, open, unlink } from 'node:fs/promises'
import path from 'node:path'
import { HawserError, OptionError } from './errors'

/** Longer than any key file, bytes. */
const maxKeyFileBytes = 1024
/** Read and write for the owner, nothing for anybody else. */
const ownerOnly = 0o600
const othersBits = 0o077

// Not to wait for a writer if it is a pipe. Windows has no such flag.
const readFlags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)
const createFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL

/** The path of a file, absolute. Throws {@link OptionError} for what can be none. */
export function filePath(option: string, value: unknown): string {
  if (typeof value === 'string' && value !== '' && !value.includes('\0')) return path.resolve(value)
  throw new OptionError(option, value, 'the path of a file, a string that is not empty')
}

/**
 * The contents of a key file, `undefined` if there is none. Symbolic links are followed; what is opened in the end is what
 * is checked. Whoever gets the contents wipes them.
 *
 * Rejects with `IDENTITY_UNSAFE` if others may read or change it, `IDENTITY_INVALID` if it is too long, `IDENTITY_FAILED`.
 */
export async function readKeyFile(file: string): Promise<Buffer | undefined> {
  let handle: FileHandle
  try {
    handle = await open(file, readFlags)
  } catch (cause) {
    const code = codeOf(cause)
    if (code === 'ENOENT') return undefined
    // A socket, a directory on Windows.
    if (code === 'ENXIO' || code === 'EISDIR') throw notRegular(file)
    throw failed('read', file, cause)
  }
  try {
    assertOurs(file, await handle.stat())
    return await readAll(file, handle)
  } catch (cause) {
    throw failed('read', file, cause)
  } finally {
    await handle.close()
  }
}

async function readAll(file: string, handle: FileHandle): Promise<Buffer> {
  // One byte more than allowed, so that what is too long shows.
  const buffer = Buffer.alloc(maxKeyFileBytes + 1)
  let length = 0
  try {
    while (length < buffer.length) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length)
      if (bytesRead === 0) return buffer.subarray(0, length)
      length += bytesRead
    }
  } catch (error) {
    buffer.fill(0)
    throw error
  }
  buffer.fill(0)
  throw invalidKeyFile(file, `is longer than ${maxKeyFileBytes} bytes`)
}

/**
 * Makes a key file that only its owner may read. It appears under its name when all of it is on the disk, and in one
 * step. False: there is something under that name, which was left alone.
 *
 * Rejects with `IDENTITY_FAILED`, or with `IDENTITY_UNSAFE` where files cannot be kept from others.
 */
export async function createKeyFile(file: string, contents: Uint8Array): Promise<boolean> {
  const folder = path.dirname(file)
  const draft = path.join(folder, `.hawser-${randomBytes(12).toString('hex')}.tmp`)
  let made: boolean
  try {
    await writeDraft(file, draft, contents)
    made = await linkNew(draft, file)
  } catch (cause) {
    throw failed('make', file, cause)
  } finally {
    await unlink(draft).catch(() => {})
  }
  try {
    // Should this fail, the file stays: another process may have read it already.
    if (made) await syncFolder(folder)
  } catch (cause) {
    throw failed('make', file, cause)
  }
  return made
}

async function writeDraft(file: string, draft: string, contents: Uint8Array): Promise<void> {
  const handle = await open(draft, createFlags, ownerOnly)
  try {
    // A strict umask may have taken away the owner's own bits.
    await handle.chmod(ownerOnly)
    // Not every file system keeps an owner and permissions.
    assertOurs(file, await handle.stat())
    await handle.writeFile(contents)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** False: the name is taken. Unlike rename, link never replaces what is there. */
async function linkNew(draft: string, file: string): Promise<boolean> {
  try {
    await link(draft, file)
    return true
  } catch (cause) {
    if (codeOf(cause) === 'EEXIST') return false
    throw cause
  }
}

/** Folders that cannot be synced: what the file system says about that. */
const noSync = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EISDIR'])

async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  let handle: FileHandle
  try {
    handle = await open(folder, constants.O_RDONLY)
  } catch (cause) {
    // One may write to a folder that one may not read.
    if (codeOf(cause) === 'EACCES') return
    throw cause
  }
  try {
    await handle.sync()
  } catch (cause) {
    if (!noSync.has(codeOf(cause))) throw cause
  } finally {
    await handle.close()
  }
}

/** Throws unless it is a regular file of this user that nobody else may read or change. */
function assertOurs(file: string, stats: Stats): void {
  if (!stats.isFile()) throw notRegular(file)
  if (process.platform === 'win32') return
  if (stats.uid !== process.geteuid?.()) {
    throw unsafe(
      file,
      `belongs to another user (${stats.uid})`,
      'give the file to the user that this process runs as, or use another file',
    )
  }
  if ((stats.mode & othersBits) !== 0) {
    const mode = (stats.mode & 0o777).toString(8).padStart(4, '0')
    throw unsafe(
      file,
      `is open to other users (mode ${mode})`,
      `chmod 600 '${file}'; if others may have read it, make a new identity instead`,
    )
  }
}

// --- Errors.

function notRegular(file: string): HawserError {
  return unsafe(file, 'is not a regular file', 'give the path of a file')
}

function unsafe(file: string, what: string, hint: string): HawserError {
  return new HawserError('IDENTITY_UNSAFE', `key file '${file}' ${what}`, { hint })
}

/** `what` continues "key file '…'". */
export function invalidKeyFile(file: string, what: string): HawserError {
  return new HawserError('IDENTITY_INVALID', `key file '${file}' ${what}`, {
    hint: 'restore it from a backup, or take it away to get a new identity',
  })
}

/** Errors of the system become errors of ours. */
function failed(doing: 'read' | 'make', file: string, cause: unknown): unknown {
  if (cause instanceof HawserError) return cause
  const code = codeOf(cause)
  return new HawserError('IDENTITY_FAILED', `cannot ${doing} key file '${file}': ${code}`, {
    hint: hintFor(code, (cause as NodeJS.ErrnoException).syscall),
    cause,
  })
}

function hintFor(code: string, call: string | undefined): string {
  if (call === 'link') return 'choose a file system that has hard links'
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'the folder must exist: make it first'
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return 'this process may not do that there: choose another folder, or change its permissions'
    case 'ENOSPC':
    case 'EDQUOT':
    case 'EFBIG':
      return 'there is no room for the file: make some'
    default:
      return 'see `cause`'
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException | undefined)?.code ?? String(error)
}
