/** Why media were not fetched, for the log. What a client is told says less of it. */
export type MediaFault =
	/** Written in the address itself: no https, a user name, a port. */
	| "address"
	/** On this machine or a private network, by name or by what the name stands for. */
	| "private"
	| "dns"
	| "network"
	| "tls"
	| "timeout"
	| "redirects"
	/** The server answered, but not with 200. */
	| "status"
	| "type"
	| "encoding"
	/** One file alone, or all of a request. */
	| "size"
	| "total_size"
	| "too_many"
	/** The gateway fetches or holds too much already. */
	| "busy"
	/** Nobody waits for it any more. */
	| "left";

export class MediaProblem extends Error {
	override readonly name = "MediaProblem";
	readonly fault: MediaFault;
	/** The server's, for `status`. */
	readonly status: number | undefined;
	/** Which of the wanted it is about. */
	readonly index: number | undefined;
	constructor(fault: MediaFault, more: { readonly status?: number | undefined; readonly index?: number } = {}) {
		super(fault);
		this.fault = fault;
		this.status = more.status;
		this.index = more.index;
	}
}
