import { newItemId } from "../../../src/lib/ids.ts";
import {
	assistantMessage,
	conversationRecord,
	DAY_MS,
	responseObject,
	turnRecord,
	userMessage,
} from "../../support/kept-samples.ts";
import { openStore } from "./ledger-samples.ts";

/** Run by response-store.test.ts until it is killed: prints the id of each turn once it is acknowledged as kept. */
const [directory = "", database = ""] = process.argv.slice(2);
const store = await openStore({ directory, database });
const conversationId = newItemId("conv");
await store.conversations.create(conversationRecord(conversationId), []);

for (let previousResponseId: string | undefined; ; ) {
	const id = newItemId("resp");
	const said = userMessage(`in_${id}`, "x".repeat(2_000));
	const answered = assistantMessage(`out_${id}`, "y".repeat(2_000));
	const record = turnRecord(id, {
		previousResponseId,
		conversationId,
		inputItems: [said],
		response: responseObject(id, [answered]),
	});
	const append = { conversationId, changedAtMs: Date.now(), expiresAtMs: Date.now() + DAY_MS, items: [said, answered] };
	await store.responses.save({ record, append });
	process.stdout.write(`${id}\n`);
	previousResponseId = id;
}
