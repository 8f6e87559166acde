import type { OperationId } from "../dialects/types.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import { isJsonObject, type JsonObject } from "../lib/json-types.ts";
import { speech, transcription } from "./audio.ts";
import { chat } from "./chat.ts";
import { completions } from "./completions.ts";
import { deliver, pause, resetConnection, silence } from "./deliver.ts";
import { embeddings } from "./embeddings.ts";
import { createFaultDice, type FaultDice } from "./fault-dice.ts";
import { images, moderations } from "./media.ts";
import { refusalOf, refusalResponse, statusResponse } from "./refusals.ts";
import { type MockCall, MockRefusal, type MockReply } from "./reply.ts";
import { responses } from "./responses.ts";
import { type MockScript, parseScript, SCRIPT_WORDS } from "./script.ts";
import { createStoredResponses, type StoredResponses } from "./stored-responses.ts";

/** Largest request body, bytes. */
const BODY_BYTES_MAX = 64 * 1024 * 1024;

/** A request whose body has been read. Form fields are the body too; the file is beside it. */
interface Received {
	readonly body: JsonObject;
	readonly file: Blob | undefined;
}

interface Mock {
	readonly clock: Clock;
	readonly stored: StoredResponses;
	readonly dice: FaultDice;
}

type Operation = (call: MockCall, received: Received, mock: Mock) => MockReply;

const OPERATIONS: Readonly<Record<OperationId, Operation>> = {
	chat,
	completions,
	embeddings,
	moderations,
	responses: (call, _, mock) => responses(call, mock.stored),
	"images.generations": images,
	"images.edits": images,
	"audio.speech": speech,
	"audio.transcriptions": (call, { file }) => transcription(call, file),
	"audio.translations": (call, { file }) => transcription(call, file),
};

const PATHS: ReadonlyMap<string, Operation> = new Map(
	Object.entries(OPERATIONS).map(([id, operation]) => [
		id === "chat" ? "/v1/chat/completions" : `/v1/${id.replace(".", "/")}`,
		operation,
	]),
);

const STORED_RESPONSE = /^\/v1\/responses\/([^/]+)(?:\/([^/]+))?$/;
const MODEL = /^\/v1\/models\/([^/]+)$/;

export interface MockProvider {
	/** With `/v1`, no trailing slash: a deployment's `base_url`. */
	readonly url: string;
	/** Closes every connection. */
	stop(): Promise<void>;
}

/**
 * Starts the mock provider: a real HTTP server on loopback that speaks OpenAI's API and does what the model's name says
 * (docs/mock-provider.md). It keeps stored responses in memory and asks for no key.
 * @param options `port` 0, the default, takes a free one.
 */
export function startMockProvider(options: { readonly clock?: Clock; readonly port?: number } = {}): MockProvider {
	const { clock = systemClock, port = 0 } = options;
	const mock: Mock = { clock, stored: createStoredResponses(), dice: createFaultDice() };
	const server = Bun.serve({
		hostname: "127.0.0.1",
		port,
		maxRequestBodySize: BODY_BYTES_MAX,
		development: false,
		async fetch(request, self) {
			// Delays and silences are what this server is for: Bun's idle timeout would end them early.
			self.timeout(request, 0);
			try {
				return await answer(request, mock);
			} catch (error) {
				return refusalResponse(refusalOf(error));
			}
		},
	});
	return { url: `http://127.0.0.1:${server.port}/v1`, stop: () => server.stop(true) };
}

async function answer(request: Request, mock: Mock): Promise<Response> {
	const { pathname } = new URL(request.url);
	const operation = PATHS.get(pathname);
	if (operation !== undefined && request.method === "POST") {
		return await answerOperation(request, operation, mock);
	}
	const [, responseId, action] = STORED_RESPONSE.exec(pathname) ?? [];
	if (responseId !== undefined) {
		return Response.json(mock.stored.answer(request.method, responseId, action));
	}
	if (pathname === "/v1/models" && request.method === "GET") {
		return Response.json({ object: "list", data: SCRIPT_WORDS.map(modelBody) });
	}
	// `+` needs no escape in a path, but clients send %2B.
	const model = MODEL.exec(pathname)?.[1]?.replaceAll(/%2b/gi, "+");
	if (model !== undefined && request.method === "GET") {
		scriptOf(model);
		return Response.json(modelBody(model));
	}
	throw new MockRefusal(404, `Invalid URL (${request.method} ${pathname})`);
}

async function answerOperation(request: Request, operation: Operation, mock: Mock): Promise<Response> {
	const received = await receive(request);
	const { model } = received.body;
	if (typeof model !== "string") {
		throw new MockRefusal(400, "you must provide a model parameter", { param: "model" });
	}
	const script = scriptOf(model);
	const call: MockCall = {
		body: received.body,
		model,
		script,
		nowSeconds: Math.floor(mock.clock.now() / 1_000),
		newId: (prefix) => `${prefix}${crypto.randomUUID().replaceAll("-", "")}`,
	};
	const fault = mock.dice.strikes(model, script) ? script.fault : undefined;
	await pause(script.delayMs, request.signal);
	switch (fault?.kind) {
		case "status":
			return statusResponse(fault.status, script.retryAfterSeconds);
		case "reset":
			return resetConnection();
		case "hang":
			await silence(request.signal);
			return resetConnection();
		case "garbage":
			return new Response("<!doctype html><title>Welcome</title><p>Please sign in to this network.</p>", {
				headers: { "content-type": "text/html; charset=utf-8" },
			});
		default:
			return deliver({
				reply: operation(call, received, mock),
				fault,
				paceMs: script.paceMs,
				signal: request.signal,
				headers: { "x-request-id": call.newId("req_mock_") },
			});
	}
}

function scriptOf(model: string): MockScript {
	const parsed = parseScript(model);
	if ("problem" in parsed) {
		throw new MockRefusal(404, `The model '${model}' does not exist. ${parsed.problem}`, {
			param: "model",
			code: "model_not_found",
		});
	}
	return parsed.script;
}

async function receive(request: Request): Promise<Received> {
	const isForm = request.headers.get("content-type")?.startsWith("multipart/form-data") ?? false;
	try {
		return isForm ? readForm(await request.formData()) : { body: requireObject(await request.json()), file: undefined };
	} catch (cause) {
		const what = isForm ? "form" : "JSON object";
		throw new MockRefusal(400, `We could not parse the body of your request: a ${what} was expected.`, { cause });
	}
}

/** A form's text fields as a body; numbers as numbers, so that both kinds of request read alike. */
function readForm(form: Awaited<ReturnType<Request["formData"]>>): Received {
	const body: JsonObject = {};
	let file: Blob | undefined;
	for (const [name, value] of form.entries()) {
		if (typeof value === "string") {
			body[name] = name === "n" ? Number(value) : value;
		} else {
			file ??= value;
		}
	}
	return { body, file };
}

function requireObject(value: unknown): JsonObject {
	if (!isJsonObject(value)) {
		throw new TypeError("not an object");
	}
	return value;
}

function modelBody(id: string): JsonObject {
	return { id, object: "model", created: 1_735_689_600, owned_by: "gateway-llm" };
}
