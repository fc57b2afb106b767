/** Runs a program to its end and gives what it wrote; fails with what it complained about. */
export function call(command: string, ...args: string[]): Promise<string>

/** What stands before a command that is to run in a namespace. */
export function prefix(namespace: string): string[]

/** Runs a program in a namespace. */
export function inside(namespace: string, ...command: string[]): Promise<string>

/**
 * Makes a network namespace for each word, with its lo up and without IPv6, so that nothing is sent in it but what
 * somebody asks for. They are called `hawser-PID-something-word`, and are gone when this process is, however it ends.
 * `close` removes them, with the processes in them.
 */
export function namespaces(...words: string[]): Promise<{ names: string[]; close(): Promise<void> }>
