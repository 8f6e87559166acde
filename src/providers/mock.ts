import { parseScript } from "../mock/script.ts";
import { defineProvider } from "./define.ts";
import { flatPrice } from "./flat-price.ts";

/** The built-in provider for first tries and tests. Its server is started by the gateway, which then knows the base URL. */
export const mock = defineProvider({
	id: "mock",
	title: "Mock",
	local: true,
	operations: "all",
	storedResponses: true,
	// That of gpt-4o-mini ($0.15 and $0.60), so that a first try shows a real cost.
	builtInPrice: flatPrice("mock", { inputPerMillion: 150_000_000, outputPerMillion: 600_000_000 }),
	checkModel(model) {
		const parsed = parseScript(model);
		return "problem" in parsed ? parsed.problem : undefined;
	},
});
