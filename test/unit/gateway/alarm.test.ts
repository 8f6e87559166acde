import { expect, test } from "bun:test";
import { createAlarm } from "../../../src/gateway/alarm.ts";
import { createLogger } from "../../../src/telemetry/logger.ts";
import { createFakeClock, deployment } from "../routing/fakes.ts";

test("a failing deployment is told of once a minute for each kind of failure, with its cause", () => {
	const lines: string[] = [];
	const clock = createFakeClock();
	const logger = createLogger({ write: (text) => lines.push(text), format: "json", level: "info", now: clock.now });
	const alarm = createAlarm({ logger, clock });
	const failure = (name: "provider_auth" | "tls") =>
		({ class: name, status: undefined, retryAfterMs: undefined, detail: "because" }) as const;
	for (let turn = 0; turn < 3; turn += 1) {
		alarm(deployment("a"), failure("provider_auth"));
		alarm(deployment("a"), failure("tls"));
		alarm(deployment("b"), failure("tls"));
	}
	clock.advance(60_000);
	alarm(deployment("a"), failure("tls"));
	logger.flush();
	const told = lines
		.join("")
		.trim()
		.split("\n")
		.map((line) => JSON.parse(line));
	expect(told.map(({ deployment: id, errorClass }) => `${id} ${errorClass}`)).toEqual([
		"a provider_auth",
		"a tls",
		"b tls",
		"a tls",
	]);
	expect(told[0]).toMatchObject({ event: "deployment_failed", detail: "because", model: "a" });
});
