import { type MockProvider, startMockProvider } from "./server.ts";

/** The mock provider, started by the first request that goes there: a gateway that never uses it opens no port for it. */
export function lazyMockProvider(): { url(): string; stop(): Promise<void> } {
	let running: MockProvider | undefined;
	return {
		url() {
			running ??= startMockProvider();
			return running.url;
		},
		async stop() {
			await running?.stop();
		},
	};
}
