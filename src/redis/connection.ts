import { RedisClient } from "bun";

/** One connection to the server. Commands on it run in the order in which they were sent. */
export interface RedisConnection {
	/** Rejects with what the server or the network raises; has no deadline of its own. */
	send(command: string, args: readonly string[]): Promise<unknown>;
	/** Resolves with what the server says to the subscription; there is one at most on a connection. */
	subscribe(channel: string, onMessage: () => void): Promise<unknown>;
	/** True once it has ended: it does not come back. */
	isLost(): boolean;
	close(): void;
}

/** Resolves when the server has taken the connection, rejects when it has not within 500 ms. */
export type OpenRedis = (onLost: () => void) => Promise<RedisConnection>;

const CONNECT_MS = 500;

/**
 * Bun's own client, one connection of it. It is told neither to reconnect nor to queue: by itself it waits ever longer, gives
 * up for good where a password is refused, and forgets its subscriptions without a word
 * (https://github.com/oven-sh/bun/issues/24019). One that was lost is never used again.
 * @throws TypeError when the address is none that the client knows.
 */
export function redisConnector(url: string): OpenRedis {
	return async (onLost) => {
		let isLost = false;
		let isOpen = false;
		const client = new RedisClient(url, {
			autoReconnect: false,
			enableOfflineQueue: false,
			maxRetries: 0,
			connectionTimeout: CONNECT_MS,
		});
		function lose() {
			if (!isLost) {
				isLost = true;
				if (isOpen) {
					onLost();
				}
			}
		}
		client.onclose = lose;
		await connected(client);
		isOpen = true;
		return {
			send: (command, args) => client.send(command, [...args]),
			subscribe: (channel, onMessage) => client.subscribe(channel, onMessage),
			isLost: () => isLost,
			close() {
				isLost = true;
				client.close();
			},
		};
	};
}

/** The client's own time-out is not kept by all ways in which a connection can hang. */
async function connected(client: RedisClient): Promise<void> {
	const late = Promise.withResolvers<never>();
	const timer = setTimeout(() => late.reject(new Error("no answer")), CONNECT_MS + 100);
	try {
		await Promise.race([client.connect(), late.promise]);
		// The client says that it is connected before the server has looked at the number of the database in the address.
		await Promise.race([client.send("PING", []), late.promise]);
	} catch (error) {
		client.close();
		throw error;
	} finally {
		clearTimeout(timer);
	}
}
