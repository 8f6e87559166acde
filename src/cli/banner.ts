import type { RunningGateway } from "../start-gateway.ts";

/** What a first start shows: where the gateway is, its keys, and a request that works when pasted. */
export function quickStartBanner(gateway: RunningGateway, isTerminal: boolean): string {
	const lines = ["", `Gateway-LLM answers at ${gateway.url}`, ""];
	if (gateway.masterKeyWasGenerated) {
		lines.push(
			isTerminal
				? `Master key (for /admin; shown once): ${gateway.masterKey}`
				: "A master key (for /admin) was generated.",
			`It is kept in ${gateway.masterKeyFile}`,
			"",
		);
	}
	const [alias] = gateway.snapshot().aliases.keys();
	if (gateway.firstKey !== undefined && alias !== undefined) {
		const body = JSON.stringify({ model: alias, messages: [{ role: "user", content: "Hello!" }] });
		lines.push(
			"A first virtual key was minted. It is shown only here. Try it:",
			"",
			`curl ${gateway.url}/v1/chat/completions -H 'Authorization: Bearer ${gateway.firstKey}' -H 'Content-Type: application/json' -d '${body}'`,
			"",
		);
	}
	return `${lines.join("\n")}\n`;
}
