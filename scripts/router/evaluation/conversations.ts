import { type PromptView, plainPrompt } from "../../../src/lib/prompt-view.ts";

/** Two requests; the second must score higher. Written for this project, never trained on. */
export interface Ordering {
	readonly name: string;
	readonly easier: PromptView;
	readonly harder: PromptView;
}

type Turn = readonly [role: string, text: string];

export function chat(...turns: readonly Turn[]): PromptView {
	return { messages: turns.map(([role, text]) => ({ role, text })), tools: { count: 0, required: 0 }, json: false };
}

const MIGRATION =
	"Plan a zero-downtime migration of a 4 TB PostgreSQL table with 30,000 writes a second to a partitioned schema. Cover dual writes, backfill order, verification, the cut-over and how to roll back half way.";
const CYCLES =
	"Show that a connected graph in which every vertex has even degree has an Eulerian circuit, and bound the running time of an algorithm that finds one.";
const LEAK =
	"Our Node service grows by 200 MB an hour. Heap snapshots show detached closures from this:\n```js\nconst cache = new Map();\napp.use((req, res, next) => {\n  cache.set(req.id, () => res.end());\n  req.on('close', () => next());\n});\n```\nWork out why the entries survive and redesign it so that memory stays bounded under 5,000 requests a second.";
const OPTIONS =
	"Derive the price of a European call with stochastic volatility by the Heston model's characteristic function and discuss where the numerical inversion becomes unstable.";
const RIVER = "What is the longest river in Europe?";
const LIMERICK = "Write a limerick about a goat.";
const GROCERIES = "List five vegetables.";
const SPELLING = "Correct the spelling: teh quick borwn fox";

const LOG = "2024-11-03T08:12:44Z WARN pool exhausted, waiting 120 ms for a connection (active=50 idle=0)\n".repeat(25);
const MODULE = `\`\`\`python
class Inventory:
    def __init__(self):
        self.items = {}

    def add(self, name, count, price):
        if name in self.items:
            self.items[name]["count"] += count
        else:
            self.items[name] = {"count": count, "price": price}

    def remove(self, name, count):
        if name not in self.items:
            raise KeyError(name)
        self.items[name]["count"] -= count
        if self.items[name]["count"] <= 0:
            del self.items[name]

    def total(self):
        return sum(item["count"] * item["price"] for item in self.items.values())
\`\`\``;
const SPIN = `\`\`\`c
while (atomic_load_explicit(&lock, memory_order_relaxed)) ;
atomic_store_explicit(&lock, 1, memory_order_relaxed);
\`\`\``;

function approvals(): readonly Ordering[] {
	const words = [
		"Yes please.",
		"yep",
		"Go for it!",
		"do it",
		"OK, continue.",
		"please proceed",
		"Looks good, go on",
		"1",
		"the first one",
		"Sí, adelante",
		"oui, continue",
		"ja, mach weiter",
		"是的，继续",
		"y",
	];
	const hard = [MIGRATION, CYCLES, LEAK, OPTIONS];
	const easy = [RIVER, LIMERICK, GROCERIES, SPELLING];
	return words.map((word, index) => ({
		name: `"${word}" to a hard and to an easy offer`,
		easier: chat(["user", easy[index % 4] ?? ""], ["assistant", "I can do that. Shall I start?"], ["user", word]),
		harder: chat(["user", hard[index % 4] ?? ""], ["assistant", "I can do that. Shall I start?"], ["user", word]),
	}));
}

function corrections(): readonly Ordering[] {
	const words = [
		"No, that's not right.",
		"That doesn't compile.",
		"it still does not work",
		"you forgot the second part",
		"Try again, but shorter.",
		"Can you double check that?",
		"Are you sure?",
		"make it more detailed",
		"Noch einmal bitte, das stimmt nicht",
		"eso no funciona",
	];
	const hard = [LEAK, MIGRATION, CYCLES];
	const easy = [LIMERICK, GROCERIES, RIVER];
	return words.map((word, index) => ({
		name: `"${word}" after hard work and after easy work`,
		easier: chat(["user", easy[index % 3] ?? ""], ["assistant", "Here you are: …"], ["user", word]),
		harder: chat(["user", hard[index % 3] ?? ""], ["assistant", "Here you are: …"], ["user", word]),
	}));
}

function closings(): readonly Ordering[] {
	return [
		"Thank you!",
		"thx",
		"That works, thanks a lot",
		"Awesome, cheers",
		"Got it.",
		"danke!",
		"谢谢你",
		"lol ok",
	].map((word) => ({
		name: `"${word}" after hard work, and an easy question`,
		easier: chat(["user", MIGRATION], ["assistant", "Step one: …"], ["user", word]),
		harder: chat(["user", MIGRATION], ["assistant", "Step one: …"], ["user", "What does dual write mean here?"]),
	}));
}

function housekeeping(): readonly Ordering[] {
	const history = `USER: ${MIGRATION}\nASSISTANT: First, create the partitioned table next to the old one …\nUSER: ${CYCLES}`;
	return [
		`Summarize this conversation in at most six words, to be used as its title.\n\n${history}`,
		`### Task:\nGenerate a concise, 3-5 word title with an emoji summarizing the chat history.\n### Output:\nJSON format: { "title": "your concise title here" }\n### Chat History:\n<chat_history>\n${history}\n</chat_history>`,
		`${history}\n\nGive the conversation above a short name.`,
		`### Task:\nSuggest 3-5 relevant follow-up questions or prompts that the user might naturally ask next.\n### Chat History:\n${history}`,
		`Generate three tags for the chat below.\n${history}`,
		`Create a filename for this chat:\n${history}`,
		`What language is this conversation in? Answer with one word.\n\n${history}`,
		`Is the following message spam? Answer yes or no.\n\n${MIGRATION}`,
		`Classify the intent of this message as question, command or chat:\n\n${OPTIONS}`,
		`Translate into German:\n\n${"The harbour is quiet in winter and the ferries run twice a day. ".repeat(10)}`,
	].map((text) => ({
		name: `housekeeping: ${text.slice(0, 48)}`,
		easier: plainPrompt(text),
		harder: plainPrompt(MIGRATION),
	}));
}

function pasted(): readonly Ordering[] {
	const pairs: readonly (readonly [string, string, string])[] = [
		["a log and its date", `What date is this log from?\n\n${LOG}`, LEAK],
		["a log and its level", `${LOG}\nWhich log level is this?`, LEAK],
		[
			"much code, its language",
			`What programming language is this?\n${MODULE}`,
			`Why can two threads enter at once, and which memory orders repair it?\n${SPIN}`,
		],
		[
			"much code, a docstring",
			`Add a one-line docstring to the class.\n${MODULE}`,
			`Why can two threads enter at once, and which memory orders repair it?\n${SPIN}`,
		],
		[
			"much code, count its methods",
			`${MODULE}\nHow many methods does it have?`,
			`Prove that this lock can admit two threads, and repair it with the weakest orders that suffice.\n${SPIN}`,
		],
		["much code, rename", `Rename count to quantity.\n${MODULE}`, LEAK],
		[
			"an e-mail, its sender",
			`Who wrote this e-mail?\n\nDear all,\n\nthe kitchen will be painted next week, so please take your cups home.\n\nBest wishes\nMarta`,
			CYCLES,
		],
		[
			"a table, one cell",
			"Which city has the most people?\n\ncity,people\nOslo,700000\nBergen,290000\nTromsø,77000",
			OPTIONS,
		],
		[
			"JSON, one field",
			`What is the value of "port"?\n\n{"host": "localhost", "port": 8080, "tls": false, "paths": ["/a", "/b", "/c"]}`,
			MIGRATION,
		],
		[
			"a stack trace, its class",
			"What is the name of the exception?\n\njava.lang.IllegalStateException: closed\n\tat com.acme.Pool.take(Pool.java:41)\n\tat com.acme.Main.run(Main.java:12)",
			LEAK,
		],
	];
	return pairs.map(([name, easier, harder]) => ({
		name: `pasted: ${name}`,
		easier: plainPrompt(easier),
		harder: plainPrompt(harder),
	}));
}

function systems(): readonly Ordering[] {
	const manual = `You are the senior staff engineer of a bank. ${"Always reason about consistency, latency, fault tolerance and security before you answer. Follow the architecture guidelines and justify each decision. ".repeat(12)}`;
	return [
		{
			name: "long system prompt, easy question",
			easier: chat(["system", manual], ["user", RIVER]),
			harder: plainPrompt(MIGRATION),
		},
		{
			name: "long system prompt, greeting",
			easier: chat(["system", manual], ["user", "Hello"]),
			harder: plainPrompt(GROCERIES),
		},
		{
			name: "developer message, easy question",
			easier: chat(["developer", manual], ["user", SPELLING]),
			harder: plainPrompt(CYCLES),
		},
		{
			name: "easy system prompt, hard question",
			easier: chat(["system", manual], ["user", GROCERIES]),
			harder: chat(["system", "Be brief and friendly."], ["user", OPTIONS]),
		},
		{
			name: "easy question late in a hard conversation",
			easier: chat(["user", MIGRATION], ["assistant", "…"], ["user", CYCLES], ["assistant", "…"], ["user", RIVER]),
			harder: chat(["user", RIVER], ["assistant", "The Volga."], ["user", CYCLES]),
		},
		{
			name: "a follow-up of a hard task and of an easy one",
			easier: chat(["user", RIVER], ["assistant", "The Volga."], ["user", "And in Asia?"]),
			harder: chat(["user", CYCLES], ["assistant", "Proof: …"], ["user", "And for directed graphs?"]),
		},
		{
			name: "the last hard turn decides",
			easier: chat(["user", LEAK], ["assistant", "…"], ["user", LIMERICK]),
			harder: chat(["user", LIMERICK], ["assistant", "…"], ["user", LEAK]),
		},
		{
			name: "an offer of little and one of much",
			easier: chat(["user", "hi"], ["assistant", "Would you like to hear a fun fact about goats?"], ["user", "sure"]),
			harder: chat(
				["user", "hi"],
				[
					"assistant",
					"Shall I design the sharding scheme, prove that it rebalances without losing writes, and implement it?",
				],
				["user", "sure"],
			),
		},
	];
}

export function conversations(): readonly Ordering[] {
	return [...approvals(), ...corrections(), ...closings(), ...housekeeping(), ...pasted(), ...systems()];
}
