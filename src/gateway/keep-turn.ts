import { outputMarks } from "../dialects/openai-responses/sealed-items.ts";
import type { JsonObject } from "../lib/json-types.ts";
import { withContinuation } from "../responses/recall.ts";
import { accountOf } from "./account.ts";
import type { AttemptContext } from "./attempt-result.ts";
import { keepsResponses, speechOf } from "./spoken.ts";

/**
 * Keeps a finished response for providers that do not, before its client sees the end of it: the next request may build
 * upon it at once.
 */
export async function keepTurn(
	{ served, spoken, deps }: AttemptContext,
	response: JsonObject | undefined,
): Promise<void> {
	const { planned, deployment } = served;
	const { body, recollection } = planned;
	if (planned.ingress.operation !== "responses" || response === undefined || body.kind !== "json") {
		return;
	}
	if (speechOf(deployment, "responses") !== undefined) {
		// What it has sealed comes back with the next turn, and is then best read where it was made.
		deps.routing.seals.made(outputMarks(response), accountOf(deployment));
	}
	const kept = spoken.translation?.kept?.();
	await deps.kept.responses.keep({
		principal: planned.principal,
		alias: planned.alias.name,
		request: recollection?.asked ?? body.json,
		recalled: recollection?.recalled,
		response: kept === undefined ? response : withContinuation(kept, recollection?.recalled),
		keptByProvider: keepsResponses(deployment),
	});
}
