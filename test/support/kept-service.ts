import { createKeptConversations } from "../../src/gateway/kept-conversations.ts";
import { createKeptResponses, type FinishedTurn, type KeepOutcome } from "../../src/gateway/kept-responses.ts";
import { KEY_DEFAULTS } from "../../src/keys/key-defaults.ts";
import type { KeyRecord } from "../../src/keys/types.ts";
import { newItemId } from "../../src/lib/ids.ts";
import type { JsonObject } from "../../src/lib/json-types.ts";
import { withContinuation } from "../../src/responses/recall.ts";
import type { Item } from "../../src/responses/types.ts";
import { createLogger } from "../../src/telemetry/logger.ts";
import { createFakeClock } from "../unit/limits/fake-clock.ts";
import { openStore, temporaryDirectory } from "../unit/store/ledger-samples.ts";
import { assistantMessage, DAY_MS, KEPT_AT_MS, responseObject } from "./kept-samples.ts";

export function principal(id: string, team?: string): KeyRecord {
	return {
		...KEY_DEFAULTS,
		id,
		team,
		createdAt: 0,
		lastUsedAt: undefined,
		revokedAt: undefined,
		keyHint: "gw_virt_…abcd",
	};
}

/** What a client asks for, and what a model answered. */
export interface Asked {
	readonly key: KeyRecord;
	readonly request: JsonObject;
	readonly output?: readonly Item[];
	readonly keptByProvider?: boolean;
}

/** Kept responses and conversations over a real store, and a pipeline that is nothing but them. */
export async function openKept() {
	const place = temporaryDirectory();
	const store = await openStore(place);
	const clock = createFakeClock(KEPT_AT_MS);
	const settings = { retentionMs: 30 * DAY_MS };
	const lines: string[] = [];
	const logger = createLogger({
		write: (text) => void lines.push(text),
		format: "json",
		level: "debug",
		now: clock.now,
	});
	const deps = {
		responses: store.responses,
		conversations: store.conversations,
		clock,
		retentionMs: () => settings.retentionMs,
		logger,
	};
	const responses = createKeptResponses(deps);
	const conversations = createKeptConversations(deps);

	/** One turn, as a provider that keeps nothing would see and answer it. */
	async function ask({ key, request, output, keptByProvider = false }: Asked): Promise<{
		readonly id: string;
		readonly seen: JsonObject;
		readonly outcome: KeepOutcome;
	}> {
		const recalled = await responses.recall(request, key);
		const id = newItemId("resp");
		const answered = output ?? [assistantMessage(newItemId("msg"), `answer to ${JSON.stringify(request.input)}`)];
		const answer = responseObject(id, answered);
		const response = recalled === undefined ? answer : withContinuation(answer, recalled);
		const turn: FinishedTurn = { principal: key, alias: "smart", request, recalled, response, keptByProvider };
		const outcome = await responses.keep(turn);
		return { id, seen: recalled?.json ?? request, outcome };
	}

	let closed: Promise<void> | undefined;
	const close = () => {
		closed ??= store.close();
		return closed;
	};
	return {
		store,
		/** Ends the database, as a disk might. */
		close,
		clock,
		settings,
		responses,
		conversations,
		ask,
		logs: () => {
			logger.flush();
			return lines.join("");
		},
		async [Symbol.asyncDispose]() {
			await close();
			place[Symbol.dispose]();
		},
	};
}

/** The texts of a request's input, oldest first. */
export function textsOf(json: JsonObject): readonly string[] {
	return [...JSON.stringify(json.input).matchAll(/"text":"((?:[^"\\]|\\.)*)"/g)].map(([, text]) =>
		String(JSON.parse(`"${text}"`)),
	);
}

/** What a refusal tells its client. */
export async function refusal(act: Promise<unknown>) {
	try {
		await act;
	} catch (error) {
		const { status, code, param, message } = error as { status: number; code: string; param: string; message: string };
		return { status, code, param, message };
	}
	return undefined;
}
