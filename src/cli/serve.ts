import { reportProblems, unpricedWarnings } from "../config/report.ts";
import { BadConfiguration, type RunningGateway, startGateway } from "../start-gateway.ts";
import { StoreRefused } from "../store/store-refused.ts";
import { createLogger, type Logger, type LogLevel } from "../telemetry/logger.ts";
import { quickStartBanner } from "./banner.ts";
import { type CliIo, EXIT, type ServeOptions } from "./types.ts";

/** `gateway-llm serve`: runs until a signal ends it. Returns the exit code. */
export async function serve(options: ServeOptions, io: CliIo): Promise<number> {
	const logger = createProcessLogger(io);
	let gateway: RunningGateway | undefined;
	// From the first moment: unhandled, the signal that asks for a reload would end the process.
	process.on("SIGHUP", () => void gateway?.reload());
	try {
		gateway = await startGateway({ ...options, environment: io.env, logger });
	} catch (error) {
		logger.flush();
		return explainRefusal(error, io);
	}
	if (gateway.masterKeyFile !== "") {
		await io.stdout(quickStartBanner(gateway, io.isTerminal));
	}
	for (const warning of unpricedWarnings(gateway.snapshot())) {
		logger.warn("unpriced", { warning });
	}
	const code = await untilStopped(gateway, logger);
	logger.flush();
	return code;
}

function explainRefusal(error: unknown, io: CliIo): number {
	if (error instanceof BadConfiguration) {
		io.stderr(reportProblems(error.problems));
		return EXIT.badConfiguration;
	}
	if (error instanceof StoreRefused || isListenError(error)) {
		io.stderr(`gateway-llm: ${error.message}\n`);
		return EXIT.failed;
	}
	throw error;
}

function isListenError(error: unknown): error is Error {
	return (
		error instanceof Error &&
		"code" in error &&
		(error.code === "EADDRINUSE" || error.code === "EACCES" || error.code === "EADDRNOTAVAIL")
	);
}

/** The first SIGTERM or SIGINT drains, the second ends at once. */
function untilStopped(gateway: RunningGateway, logger: Logger): Promise<number> {
	return new Promise((resolve) => {
		let stopping = false;
		function stop(signal: string): void {
			if (stopping) {
				logger.warn("stopped_at_once", { signal });
				logger.flush();
				void gateway.stopNow().then(() => resolve(EXIT.failed));
				return;
			}
			stopping = true;
			logger.info("draining", { signal });
			gateway.stop().then(
				() => resolve(EXIT.ok),
				(error: unknown) => {
					logger.error("stop_failed", { error: String(error) });
					resolve(EXIT.failed);
				},
			);
		}
		process.on("SIGTERM", () => stop("SIGTERM"));
		process.on("SIGINT", () => stop("SIGINT"));
	});
}

function createProcessLogger(io: CliIo): Logger {
	const levels: readonly LogLevel[] = ["debug", "info", "warn", "error"];
	return createLogger({
		write: io.stderr,
		format: io.isTerminal ? "text" : "json",
		level: levels.find((level) => level === io.env.GATEWAY_LLM_LOG_LEVEL) ?? "info",
		now: Date.now,
	});
}
