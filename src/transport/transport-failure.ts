/** A kept-alive connection that its other end had given up: the request never got anywhere. `cause`: what the transport said. */
export class StaleConnection extends Error {}

/** Tells transport errors apart by their code; the text is for the log only. */
export function transportFailure(error: unknown): {
	class: "connect_refused" | "dns" | "tls" | "reset" | "network";
	detail: string;
	/** The connection was an old one. */
	stale?: true;
} {
	if (error instanceof StaleConnection) {
		return { ...transportFailure(error.cause), stale: true };
	}
	const code = errorCode(error);
	const detail = code === "" ? String(error) : code;
	if (code === "ECONNREFUSED" || code === "ConnectionRefused") {
		return { class: "connect_refused", detail };
	}
	if (code === "ENOTFOUND" || code === "EAI_AGAIN" || code.startsWith("DNS")) {
		return { class: "dns", detail };
	}
	if (code === "ECONNRESET" || code === "ConnectionClosed" || code === "EPIPE") {
		return { class: "reset", detail };
	}
	if (code === "EPROTO" || code.includes("CERT") || code.includes("TLS") || code.includes("SSL")) {
		return { class: "tls", detail };
	}
	return { class: "network", detail };
}

function errorCode(error: unknown): string {
	if (typeof error === "object" && error !== null && "code" in error && typeof error.code === "string") {
		return error.code;
	}
	return "";
}
