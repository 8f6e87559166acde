import { describe, expect, test } from "bun:test";
import { chatBody } from "../support/gateway-client.ts";
import { chatAnswer, chatReply, SANITY_USAGE } from "../support/openai-answers.ts";
import { type GatewayProcess, startGatewayProcess } from "../support/process.ts";
import { openRaw, requestBytes } from "../support/raw.ts";
import { gatedSse, json } from "../support/replies.ts";
import { startUpstream } from "../support/upstream.ts";
import { gate, until, within } from "../support/wait.ts";

/* SIGTERM: whoever was promised an answer gets it to its last byte, and load balancers are told to look elsewhere. */
const CHAT = "/v1/chat/completions";

function request(key: string, method: "GET" | "POST", target: string, body?: unknown): Buffer {
	const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
	return requestBytes({ method, target, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
}

/** What a load balancer hears that opens a connection of its own to ask. */
async function readiness(gateway: GatewayProcess): Promise<number | undefined> {
	await using probe = await openRaw(gateway.url);
	await probe.write(requestBytes({ target: "/health/ready" }));
	await until("the probe's answer", () => probe.completeCount() === 1);
	return probe.response()?.status;
}

async function drain(gateway: GatewayProcess): Promise<void> {
	gateway.signal("SIGTERM");
	await until("the draining", async () => (await readiness(gateway)) === 503);
}

describe("a drain", () => {
	test("a new connection is told 503 by /health/ready while an answer is still being made", async () => {
		const door = gate();
		await using upstream = await startUpstream(async () => {
			await door.opened;
			return chatReply();
		});
		await using gateway = await startGatewayProcess({ config: { aliases: { chat: { upstream } } } });
		const { key } = await gateway.mint();
		expect(await readiness(gateway)).toBe(200);
		const answer = gateway.post(CHAT, key, chatBody("chat"));
		await upstream.waitForRequests(1);
		await drain(gateway);
		door.open();
		expect((await answer).status).toBe(200);
		expect(await within("the exit", gateway.exited)).toBe(0);
	}, 30_000);

	test("a slow client gets every byte of an answer that was made before", async () => {
		// More than the kernel keeps for a reader on loopback, so that most of it waits in the gateway.
		const content = "0123456789abcdef".repeat(12 * 65_536);
		await using upstream = await startUpstream(() => json(200, chatAnswer({ content }), { usage: SANITY_USAGE }));
		await using gateway = await startGatewayProcess({ config: { aliases: { chat: { upstream } } } });
		const { key } = await gateway.mint();
		await using client = await openRaw(gateway.url);
		client.pause();
		await client.write(request(key, "POST", CHAT, chatBody("chat")));
		await until("the answer to be made", () => gateway.logs().some(({ event }) => event === "request"));
		await drain(gateway);
		let taken = 0;
		while (client.completeCount() === 0 && !client.state().closed) {
			client.resume();
			await until("more bytes", () => client.bytesRead() > taken || client.state().closed);
			client.pause();
			taken = client.bytesRead();
		}
		expect({ complete: client.completeCount(), reset: client.state().reset }).toEqual({ complete: 1, reset: false });
		expect(client.response()?.json()).toEqual(chatAnswer({ content }));
		expect(await within("the exit", gateway.exited)).toBe(0);
	}, 40_000);

	test("a stored response that is being read as a stream is read to its end", async () => {
		const door = gate();
		const made = { id: "resp_kept", object: "response", status: "completed", output: [], usage: null };
		await using upstream = await startUpstream(({ method }) =>
			method === "POST"
				? json(200, made)
				: gatedSse([{ data: { type: "response.created" } }, { data: "the last word", after: door.opened }], {
						done: false,
					}),
		);
		await using gateway = await startGatewayProcess({ config: { aliases: { deep: { upstream } } } });
		const { key } = await gateway.mint();
		expect((await gateway.post("/v1/responses", key, { model: "deep", input: "think" })).status).toBe(200);
		await using client = await openRaw(gateway.url);
		await client.write(request(key, "GET", "/v1/responses/resp_kept?stream=true"));
		await client.bodyUntil("the first event", (text) => text.includes("response.created"));
		await drain(gateway);
		door.open();
		await client.bodyUntil("the last event", (text) => text.includes("the last word"));
		await until("the end", () => client.completeCount() === 1);
		expect(client.response()?.text()).not.toContain('"error"');
		expect(await within("the exit", gateway.exited)).toBe(0);
	}, 30_000);
});
