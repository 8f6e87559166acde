import { expect, test } from "bun:test";
import { createLogger, type LogLevel } from "../../../src/telemetry/logger.ts";

function logTo(format: "json" | "text", level: LogLevel = "info") {
	const written: string[] = [];
	const logger = createLogger({
		write: (text) => written.push(text),
		format,
		level,
		now: () => Date.UTC(2026, 0, 2, 3, 4, 5),
	});
	return {
		logger,
		text: () => {
			logger.flush();
			return written.join("");
		},
	};
}

test("a line is one JSON object with time, level, event and facts", () => {
	const { logger, text } = logTo("json");
	logger.info("request", { requestId: "req_1", status: 200, left: undefined });
	expect(JSON.parse(text())).toEqual({
		time: "2026-01-02T03:04:05.000Z",
		level: "info",
		event: "request",
		requestId: "req_1",
		status: 200,
	});
});

test("control characters in a fact forge neither a second line nor colours", () => {
	for (const format of ["json", "text"] as const) {
		const { logger, text } = logTo(format);
		logger.info("request", { alias: 'x\n{"level":"error"}\u001b[31m' });
		expect(text().trimEnd().split("\n")).toHaveLength(1);
		expect(text()).not.toContain("\u001b");
	}
});

test("a registered secret never reaches the log", () => {
	const { logger, text } = logTo("json");
	logger.redact("sk-canary-0123456789");
	logger.error("request_failed", { cause: "Incorrect API key provided: sk-canary-0123456789." });
	expect(text()).not.toContain("canary");
	expect(text()).toContain("[redacted]");
});

test("what is less severe than the level is not written, warnings are written at once", () => {
	const written: string[] = [];
	const logger = createLogger({ write: (line) => written.push(line), format: "text", level: "warn", now: () => 0 });
	logger.info("quiet");
	logger.warn("loud");
	expect(written.join("")).toContain("loud");
	expect(written.join("")).not.toContain("quiet");
});
