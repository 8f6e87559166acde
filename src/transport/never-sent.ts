/** A call that was given up before a byte of it was sent: the provider has never heard of it. */
export class NeverSent extends Error {
	override readonly name = "NeverSent";
}
