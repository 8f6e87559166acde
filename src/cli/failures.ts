/** The arguments make no sense: the message says which, and the caller adds where help is. */
export class UsageError extends Error {
	override readonly name = "UsageError";
}

/** Something outside went wrong; the message is for the user as it is. */
export class CommandFailure extends Error {
	override readonly name = "CommandFailure";
}
