import type { Clock } from "../lib/clock.ts";

/** Whether a connection to the address of a URL comes about within a time. One that did lately is not tried again. */
export type Reachable = (url: string, withinMs: number) => Promise<boolean>;

/** For how long an address that was reached is believed to be reachable. */
const BELIEVED_MS = 5_000;

/**
 * Bun's fetch has no deadline for connecting: a provider whose packets are dropped looks like one that thinks. So whoever
 * has waited a while for an answer's head asks here: a bare TCP connection tells the two apart. Nothing is sent over it.
 */
export function createReachable({ clock }: { readonly clock: Pick<Clock, "monotonic"> }): Reachable {
	/** By host and port; as many entries as providers are configured. */
	const reachedAtMs = new Map<string, number>();
	const underWay = new Map<string, Promise<boolean>>();

	return (url, withinMs) => {
		const { hostname, port, protocol, host } = new URL(url);
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

function connects(address: { readonly hostname: string; readonly port: number }, withinMs: number): Promise<boolean> {
	return new Promise((resolve) => {
		const timer = setTimeout(resolve, withinMs, false);
		const tell = (isReached: boolean) => {
			clearTimeout(timer);
			resolve(isReached);
		};
		Bun.connect({
			...address,
			socket: {
				open(socket) {
					socket.end();
					tell(true);
				},
				data: () => undefined,
				connectError: () => tell(false),
				error: () => tell(false),
			},
		}).catch(() => tell(false));
	});
}
