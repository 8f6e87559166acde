import type { RunningGateway } from "../start-gateway.ts";

/** What the start of a gateway that nobody has set up shows: where the gateway is, its keys, and a request that works when pasted. */
export function quickStartBanner(gateway: RunningGateway, isTerminal: boolean): string {
	const lines = ["", `Gateway-LLM answers at ${gateway.url}`, ""];
	if (gateway.masterKeyWasGenerated) {
		lines.push(
			isTerminal
				? `Master key (for /admin; shown once): ${gateway.masterKey}`
				: "A master key (for /admin) was generated.",
		);
	}
	lines.push(`The master key is kept in ${gateway.masterKeyFile}`, "");
	const [alias] = gateway.snapshot().aliases.keys();
	if (gateway.firstKey !== undefined && alias !== undefined) {
		const body = JSON.stringify({ model: alias, messages: [{ role: "user", content: "Hello!" }] });
		lines.push(
			"A first virtual key was minted. It is shown only here. Try it:",
			"",
			`curl ${gateway.url}/v1/chat/completions -H 'Authorization: Bearer ${gateway.firstKey}' -H 'Content-Type: application/json' -d '${body}'`,
			"",
		);
	} else {
		lines.push("Mint another virtual key: gateway-llm keys create --name mine", "");
	}
	return `${lines.join("\n")}\n`;
}
