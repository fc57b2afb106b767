/** Builds the program into build-bench/, if that was not done yet; gives its path. */
export function build(): Promise<string>
