import { expect, test } from "bun:test";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nanoOf } from "../support/cost-formula.ts";
import { chatBody, createGatewayClient } from "../support/gateway-client.ts";
import { chatFor } from "../support/openai-answers.ts";
import { startGatewayProcess } from "../support/process.ts";
import { openRaw, requestBytes } from "../support/raw.ts";
import { parseSse } from "../support/sse-events.ts";
import { startUpstream } from "../support/upstream.ts";
import { until, within } from "../support/wait.ts";

/** More by `KILL_ROUNDS=200 bun test test/e2e/kill.test.ts`. */
const ROUNDS = Number(process.env.KILL_ROUNDS ?? 5);
const CLIENTS = 12;
/** Complete answers before the process is killed in each round. */
const ANSWERS_A_ROUND = 60;

interface Trail {
	readonly cost_usd: string;
	readonly cost_final: boolean;
	readonly attempts: readonly { readonly reserved_usd: string; readonly cost_usd: string; readonly status: string }[];
}

/** Sends one request after the other until the gateway is gone. Adds the id and cost of each answer seen to its last byte. */
async function client(url: string, key: string, stream: boolean, complete: Map<string, number>): Promise<void> {
	try {
		for (;;) {
			await using connection = await openRaw(url);
			await connection.write(
				requestBytes({
					method: "POST",
					target: "/v1/chat/completions",
					headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
					body: JSON.stringify(chatBody("chat", stream ? { stream: true } : {})),
				}),
			);
			await until("an answer", () => connection.completeCount() === 1 || connection.state().closed, 5_000);
			const response = connection.response();
			if (response?.complete !== true || response.status !== 200) {
				return;
			}
			const text = response.text();
			if (stream && parseSse(text).data.at(-1) !== "[DONE]") {
				return;
			}
			const cost = stream ? /"cost_usd":"([\d.]+)"/.exec(text)?.[1] : response.header("x-gateway-cost-usd");
			complete.set(response.header("x-request-id") ?? "", nanoOf(cost));
		}
	} catch {
		// The connection broke: the process was killed, which is what this is about.
	}
}

test(
	`kill -9 under load, ${ROUNDS} times: the books hold every call that the upstream got, once, and every answer that a client saw at its price`,
	async () => {
		const dataDirectory = join(tmpdir(), `gateway-kill-${crypto.randomUUID()}`);
		// Each answer has a usage of its own, so that a mixed-up row shows.
		await using upstream = await startUpstream((request, index) =>
			chatFor(request, { prompt: 10 + (index % 90), completion: 100 + (index % 700) }),
		);
		const config = { aliases: { chat: { upstream } } };
		const complete = new Map<string, number>();
		let key = "";
		try {
			for (let round = 0; round < ROUNDS; round += 1) {
				await using gateway = await startGatewayProcess({ config, dataDirectory });
				key = key === "" ? (await gateway.mint()).key : key;
				const before = complete.size;
				const clients = Array.from({ length: CLIENTS }, (_, index) =>
					client(gateway.url, key, index % 2 === 0, complete),
				);
				await until("enough answers", () => complete.size - before >= ANSWERS_A_ROUND, 20_000);
				gateway.signal("SIGKILL");
				expect(await within("the kill", gateway.exited)).toBe("SIGKILL");
				await Promise.all(clients);
			}
			await using gateway = await startGatewayProcess({ config, dataDirectory });
			const admin = createGatewayClient(gateway.url, gateway.masterKey);
			const served = new Map(upstream.requests.map((request) => [request.header("x-request-id"), request]));
			expect(served.size).toBe(upstream.requests.length);

			let bookedNano = 0;
			let reservedNano = 0;
			const wrong: unknown[] = [];
			for (const [id, request] of served) {
				const answer = await admin.admin("GET", `/requests/${id}`);
				const trail = answer.status === 200 ? answer.json<Trail>() : undefined;
				const cost = trail === undefined ? 0 : nanoOf(trail.cost_usd);
				bookedNano += cost;
				reservedNano = trail === undefined ? reservedNano : nanoOf(trail.attempts[0]?.reserved_usd);
				const seen = complete.get(id ?? "");
				const usage = request.usage();
				const price = (usage?.prompt ?? 0) * 150 + (usage?.completion ?? 0) * 600;
				const isRight =
					seen === undefined
						? trail?.attempts.length === 1 && trail.cost_final && cost >= price && cost <= reservedNano
						: trail?.attempts.length === 1 && cost === seen && cost === price;
				if (!isRight) {
					wrong.push({ id, seen, price, trail });
				}
			}
			expect(wrong).toEqual([]);
			expect(complete.size).toBeGreaterThanOrEqual(ROUNDS * ANSWERS_A_ROUND);
			const { total } = (await admin.admin("GET", "/spend")).json<{ total: { cost_usd: string; requests: number } }>();
			// The rest are rows of calls that were on their way when the process died: the upstream never heard of them, and the
			// books cannot know that, so each is charged at its reservation, the same for all since all asked the same.
			const onTheirWay = (nanoOf(total.cost_usd) - bookedNano) / reservedNano;
			expect(Number.isInteger(onTheirWay)).toBe(true);
			expect(onTheirWay).toBeGreaterThanOrEqual(0);
			expect(onTheirWay).toBeLessThanOrEqual(ROUNDS * CLIENTS);
			gateway.signal("SIGTERM");
			await within("the exit", gateway.exited);
		} finally {
			await rm(dataDirectory, { recursive: true, force: true });
		}
	},
	60_000 + ROUNDS * 2_000,
);
