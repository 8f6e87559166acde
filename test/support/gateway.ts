import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startGateway } from "../../src/start-gateway.ts";
import { createLogger } from "../../src/telemetry/logger.ts";
import type { Surroundings } from "../../src/transport/pinned-address.ts";
import { createGatewayClient, type GatewayClient } from "./gateway-client.ts";
import { type ConfigSpec, configText } from "./gateway-config.ts";

export interface TestGateway extends GatewayClient, AsyncDisposable {
	readonly dataDirectory: string;
	/** Log lines so far. */
	logs(): readonly string[];
	stop(): Promise<void>;
}

/** The whole gateway, in this process, on a temporary data directory and port; in a world of its own where one is given. */
export async function startTestGateway(spec: ConfigSpec, surroundings?: Surroundings): Promise<TestGateway> {
	const directory = await mkdtemp(join(tmpdir(), "gateway-e2e-"));
	const configPath = join(directory, "config.yaml");
	const dataDirectory = join(directory, "data");
	await writeFile(configPath, configText(spec));
	const lines: string[] = [];
	const logger = createLogger({
		write: (text) => {
			lines.push(...text.split("\n").filter(Boolean));
		},
		format: "json",
		level: "debug",
		now: Date.now,
	});
	const running = await startGateway({
		configPath,
		host: "127.0.0.1",
		port: 0,
		dataDirectory,
		environment: {},
		logger,
		surroundings,
	});
	const stop = async () => {
		// A test that is over does not wait for the streams it left behind.
		await running.stopNow();
		await rm(directory, { recursive: true, force: true });
	};
	let stopped: Promise<void> | undefined;
	const stopOnce = () => {
		stopped ??= stop();
		return stopped;
	};
	return {
		...createGatewayClient(running.url, running.masterKey),
		dataDirectory,
		logs: () => {
			logger.flush();
			return lines;
		},
		stop: stopOnce,
		[Symbol.asyncDispose]: stopOnce,
	};
}
