/** The database may not be used as it is. The message is for the operator: what is wrong, and what to do about it. */
export class StoreRefused extends Error {
	override readonly name = "StoreRefused";
}
