import { reportProblems, unpricedWarnings } from "../config/report.ts";
import { routingWarnings } from "../config/routing-warnings.ts";
import { BadConfiguration, type RunningGateway, startGateway } from "../start-gateway.ts";
import { StoreRefused } from "../store/store-refused.ts";
import { createLogger, type Logger, type LogLevel } from "../telemetry/logger.ts";
import { quickStartBanner } from "./banner.ts";
import { type CliIo, EXIT, type ServeOptions } from "./types.ts";

/** `gateway-llm serve`: runs until a signal ends it. Returns the exit code. */
export async function serve(options: ServeOptions, io: CliIo): Promise<number> {
	const logger = createProcessLogger(io);
	let gateway: RunningGateway | undefined;
	// From the first moment: a signal that nobody handles ends the process where it stands.
	process.on("SIGHUP", () => void gateway?.reload());
	const stops = gatherStops();
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
	for (const warning of routingWarnings(gateway.snapshot())) {
		logger.warn("routing", { warning });
	}
	const code = await untilStopped(gateway, stops, logger);
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
function untilStopped(gateway: RunningGateway, stops: StopSignals, logger: Logger): Promise<number> {
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
		stops.deliverTo(stop);
	});
}

/** The signals that ask the process to stop, kept until there is something to stop. */
interface StopSignals {
	deliverTo(stop: (signal: string) => void): void;
}

function gatherStops(): StopSignals {
	const early: string[] = [];
	let receive = (signal: string): void => {
		early.push(signal);
	};
	process.on("SIGTERM", () => receive("SIGTERM"));
	process.on("SIGINT", () => receive("SIGINT"));
	return {
		deliverTo(stop) {
			receive = stop;
			early.forEach(stop);
		},
	};
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
