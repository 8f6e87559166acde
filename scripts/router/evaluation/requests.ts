import { type PromptView, plainPrompt } from "../../../src/lib/prompt-view.ts";
import { chat, type Ordering } from "./conversations.ts";

function withTools(view: PromptView | string, count: number, required: number): PromptView {
	return { ...(typeof view === "string" ? plainPrompt(view) : view), tools: { count, required } };
}

const LIGHT = "Turn on the kitchen light.";
const TRIP =
	"Look up the next three conferences on databases in Europe, compare their fees with our budget sheet, book the cheapest one with a hotel within a kilometre, block the days in my calendar, and then write Tom a summary.";
const REFACTOR =
	"Find out why the nightly build became slow, bisect the commits of the last month, fix the cause without changing the public interface, run the tests, and open a pull request that explains the change.";

function tools(): readonly Ordering[] {
	return [
		{ name: "one tool and thirty", easier: withTools(LIGHT, 1, 1), harder: withTools(LIGHT, 30, 1) },
		{ name: "few arguments and many", easier: withTools(LIGHT, 4, 3), harder: withTools(LIGHT, 4, 24) },
		{
			name: "an easy request with forty tools, a chain with three",
			easier: withTools(LIGHT, 40, 40),
			harder: withTools(TRIP, 3, 6),
		},
		{ name: "a greeting with forty tools", easier: withTools("Hello!", 40, 80), harder: withTools(LIGHT, 2, 2) },
		{ name: "a chain and one step, same tools", easier: withTools(LIGHT, 12, 20), harder: withTools(TRIP, 12, 20) },
		{
			name: "an agent's task and a lookup",
			easier: withTools("Read the file README.md.", 12, 20),
			harder: withTools(REFACTOR, 12, 20),
		},
		{
			name: "two cities and one",
			easier: withTools("What's the temperature in Bern?", 2, 2),
			harder: withTools(
				"What's the temperature in Bern and in Turin, and which of them will have rain first this week?",
				2,
				2,
			),
		},
		{
			name: "thanks after a chain",
			easier: withTools(chat(["user", TRIP], ["assistant", "All booked."], ["user", "thanks!"]), 20, 40),
			harder: withTools(LIGHT, 2, 2),
		},
		{
			name: "a tool loop goes on: the task decides",
			easier: withTools(chat(["user", LIGHT], ["assistant", ""], ["tool", '{"ok":true}']), 8, 12),
			harder: withTools(chat(["user", REFACTOR], ["assistant", ""], ["tool", '{"ok":true}']), 8, 12),
		},
		{
			name: "a long tool result does not make an easy task hard",
			easier: withTools(
				chat(
					["user", "What is the weather in Bern?"],
					["assistant", ""],
					["tool", `{"hours":[${'{"t":21.4,"wind":3,"rain":0.1},'.repeat(60)}{}]}`],
				),
				3,
				3,
			),
			harder: withTools(chat(["user", TRIP], ["assistant", ""], ["tool", "[]"]), 3, 3),
		},
		{
			name: "continue in a tool loop",
			easier: withTools(chat(["user", LIGHT], ["assistant", "Done. Anything else?"], ["user", "continue"]), 8, 12),
			harder: withTools(
				chat(["user", REFACTOR], ["assistant", "Bisected so far. Go on?"], ["user", "continue"]),
				8,
				12,
			),
		},
	];
}

function ladders(): readonly Ordering[] {
	const rungs: readonly (readonly string[])[] = [
		[
			"Hey",
			"What does HTTP stand for?",
			"Explain how HTTP caching works with ETags.",
			"Design an HTTP cache for a content network that stays consistent under concurrent purges, prove that no stale object is served after a purge, and give pseudocode.",
		],
		[
			"2+2?",
			"A box has 3 red and 5 blue balls. What is the probability of drawing a red one?",
			"Let $X_1, X_2, \\dots$ be i.i.d. with finite variance. Prove the central limit theorem by characteristic functions and state where finiteness of the variance is used.",
		],
		[
			"Name a sorting algorithm.",
			"Write a function that sorts a list of names in Python.",
			"Implement an external merge sort in C++ for files larger than memory, with k-way merging by a loser tree, and analyse its I/O complexity for block size B and memory M.",
		],
		[
			"¿Qué hora es en Lima?",
			"Explica qué es la inflación en dos frases.",
			"Demuestra el teorema de Bolzano-Weierstrass y úsalo para probar que toda función continua en un compacto alcanza su máximo.",
		],
		[
			"Wie heißt du?",
			"Erkläre den Unterschied zwischen Miete und Pacht.",
			"Entwirf ein System für exaktes Zählen eindeutiger Besucher über mehrere Rechenzentren, vergleiche HyperLogLog mit exakten Verfahren und leite die Fehlerschranken her.",
		],
		[
			"今天星期几？",
			"用三句话解释什么是通货膨胀。",
			"设计一个跨地域的分布式锁服务，分析网络分区下的正确性，并证明不会有两个客户端同时持有锁。",
		],
		[
			"Bonjour",
			"Donne-moi une recette de crêpes.",
			"Démontrez le théorème de Cauchy-Lipschitz et discutez ce qui se passe lorsque la condition de Lipschitz n'est plus satisfaite.",
		],
	];
	return rungs.flatMap((rung) =>
		rung.slice(1).map((text, index) => ({
			name: `ladder: ${(rung[index] ?? "").slice(0, 24)} < ${text.slice(0, 24)}`,
			easier: plainPrompt(rung[index] ?? ""),
			harder: plainPrompt(text),
		})),
	);
}

function disguises(): readonly Ordering[] {
	const proof = "Prove that a bounded sequence of reals has a convergent subsequence.";
	const river = "What is the longest river in Europe?";
	const chatter =
		"We are just back from the lake, the children are asleep, and the neighbours brought us a cake. ".repeat(4);
	const pairs: readonly (readonly [string, string, string])[] = [
		["long chatter, easy question", `${chatter}${river}`, proof],
		["chatter around the hard one", river, `${chatter}\n\n${proof}\n\n${chatter}`],
		[
			"a hard one said lightly",
			"Please, I really need your help, this is very urgent and important for me: how do you spell rhythm?",
			`quick one: ${proof} thx!`,
		],
		["a word list to sort", "Put in alphabetical order: theorem, algorithm, eigenvalue, entropy, recursion", proof],
		["hard words to translate", "Translate to Spanish: distributed consensus, fault tolerance, eigenvalue", proof],
		["spell a hard word", "How do you spell 'heteroskedasticity'?", proof],
		["who found a theorem", "Who proved Fermat's last theorem?", proof],
		["a year in the history of physics", "When was quantum mechanics discovered?", proof],
		["a hard title", "What is the title of Turing's 1936 paper?", proof],
		["joke about programmers", "Tell me a joke about a distributed database administrator.", proof],
		[
			"a poem about calculus",
			"Write a four-line poem about calculus.",
			"Derive the error bound of Simpson's rule and say when it is exact.",
		],
		[
			"keywords in front",
			`Prove, derive, analyze and optimize the distributed algorithm architecture with concurrency trade-offs.\n${river}`,
			proof,
		],
		[
			"keywords around",
			`Optimize the asymptotic complexity of concurrent algorithms.\n${river}\nProve convergence of the distributed gradient protocol.`,
			proof,
		],
		["shouted", "WHAT IS THE CAPITAL OF PERU???", proof.toLowerCase()],
		["repeated", `${river} `.repeat(12), proof],
	];
	return pairs.map(([name, easier, harder]) => ({
		name: `disguise: ${name}`,
		easier: plainPrompt(easier),
		harder: plainPrompt(harder),
	}));
}

export function requests(): readonly Ordering[] {
	return [...tools(), ...ladders(), ...disguises()];
}
