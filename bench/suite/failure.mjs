/** Something that the caller of the suite can put right; its message is all that is printed. */
export class SuiteError extends Error {}
