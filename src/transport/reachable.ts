import type { Clock } from "../lib/clock.ts";

/** Whether a connection to the address of a URL comes about within a time. One that did lately is not tried again. */
export type Reachable = (url: string, withinMs: number) => Promise<boolean>;

/** For how long an address that was reached is believed to be reachable. */
const BELIEVED_MS = 5_000;

/**
 * Bun's fetch has no deadline for connecting: a provider whose packets are dropped looks like one that thinks. So whoever
 * has waited a while for an answer's head asks here: a connection of its own tells the two apart, for https with its
 * handshake, whoever's certificate it shows. Nothing is asked over it. Through a proxy, which Bun's fetch uses where the
 * environment names one, nobody can tell: everything is taken for reachable.
 */
export function createReachable({
	clock,
	env = process.env,
}: {
	readonly clock: Pick<Clock, "monotonic">;
	readonly env?: Readonly<Record<string, string | undefined>>;
}): Reachable {
	/** By host and port; as many entries as providers are configured. */
	const reachedAtMs = new Map<string, number>();
	const underWay = new Map<string, Promise<boolean>>();

	return (url, withinMs) => {
		const { hostname, port, protocol, host } = new URL(url);
		const proxy = protocol === "http:" ? "http_proxy" : "https_proxy";
		if (env[proxy] || env[proxy.toUpperCase()]) {
			return Promise.resolve(true);
		}
		if (clock.monotonic() - (reachedAtMs.get(host) ?? Number.NEGATIVE_INFINITY) < BELIEVED_MS) {
			return Promise.resolve(true);
		}
		const known = underWay.get(host);
		if (known !== undefined) {
			return known;
		}
		const address = {
			hostname: hostname.replace(/^\[|\]$/g, ""),
			port: Number(port || (protocol === "http:" ? 80 : 443)),
			isSecure: protocol === "https:",
		};
		const probe = connects(address, withinMs).then((isReached) => {
			underWay.delete(host);
			if (isReached) {
				reachedAtMs.set(host, clock.monotonic());
			}
			return isReached;
		});
		underWay.set(host, probe);
		return probe;
	};
}

function connects(
	{ isSecure, ...address }: { readonly hostname: string; readonly port: number; readonly isSecure: boolean },
	withinMs: number,
): Promise<boolean> {
	return new Promise((resolve) => {
		let drop = () => {};
		const tell = (isReached: boolean) => {
			clearTimeout(timer);
			resolve(isReached);
			drop();
		};
		const timer = setTimeout(tell, withinMs, false);
		Bun.connect({
			...address,
			...(isSecure ? { tls: { rejectUnauthorized: false, serverName: address.hostname } } : {}),
			socket: {
				open(socket) {
					drop = () => socket.terminate();
					if (!isSecure) {
						tell(true);
					}
				},
				handshake: () => tell(true),
				data: () => undefined,
				connectError: () => tell(false),
				error: () => tell(false),
			},
		}).catch(() => tell(false));
	});
}
