import { type PromptView, plainPrompt } from "../../../src/lib/prompt-view.ts";
import { chat, conversations, type Ordering } from "./conversations.ts";
import { requests } from "./requests.ts";

const PROOF =
	"Prove that every continuous function on a compact metric space is uniformly continuous, and give a counterexample when compactness is dropped.";
const DESIGN =
	"Design a sharded queue with exactly-once delivery across two regions. Cover failure modes, idempotency keys, rebalancing and the consistency trade-offs, and estimate throughput.";
const DEBUG =
	"My Go service leaks goroutines under load. Here is the worker:\n```go\nfunc (w *Worker) run(ctx context.Context) {\n\tfor job := range w.jobs {\n\t\tgo func() { w.out <- w.process(ctx, job) }()\n\t}\n}\n```\nFind every path on which a goroutine can block for ever and rewrite it with bounded concurrency.";
const CAPITAL = "What is the capital of Austria?";
const HAIKU = "Write a haiku about snow.";
const EMAIL = "Fix the grammar: she go to school yesterday.";

function withTools(text: string, count: number, required: number): PromptView {
	return { ...plainPrompt(text), tools: { count, required } };
}

const after = (task: string, reply: string, next: string) => chat(["user", task], ["assistant", reply], ["user", next]);

function approvals(): readonly Ordering[] {
	const words = [
		"yes",
		"Yes, do it.",
		"continue",
		"go ahead please",
		"ok",
		"sounds good, proceed",
		"Sure!",
		"yes please, go on",
	];
	const tasks = [PROOF, DESIGN, DEBUG];
	return words.map((word, index) => ({
		name: `"${word}" after a hard task and after an easy one`,
		easier: after(index % 2 === 0 ? CAPITAL : HAIKU, "Shall I?", word),
		harder: after(tasks[index % 3] ?? PROOF, "Shall I?", word),
	}));
}

function courtesies(): readonly Ordering[] {
	return ["Thanks!", "great, thank you so much", "Perfect, that's all.", "ok thanks", "bye"].map((word) => ({
		name: `"${word}" after a hard task, and a simple question`,
		easier: after(PROOF, "Here is the proof: …", word),
		harder: after(PROOF, "Here is the proof: …", "What is a compact set?"),
	}));
}

function housekeeping(): readonly Ordering[] {
	const quoted = `user: ${DESIGN}\nassistant: Let us begin with the data model …`;
	return [
		`Write a short title for this conversation:\n\n${quoted}`,
		`Generate a concise, 3-5 word title with an emoji summarizing the chat history.\n\n${quoted}`,
		`${quoted}\n\nSuggest a headline for the above.`,
		`Generate 1-3 broad tags categorizing the main themes of the chat history.\n\n${quoted}`,
	].map((text) => ({
		name: `housekeeping: ${text.slice(0, 40)}`,
		easier: plainPrompt(text),
		harder: plainPrompt(DESIGN),
	}));
}

function context(): readonly Ordering[] {
	const expert =
		"You are an expert in distributed systems, formal verification, algorithms and proofs. Think rigorously.";
	const helper = "You are a friendly assistant for a flower shop. Keep answers short.";
	return [
		{
			name: "easy task, hard system prompt",
			easier: chat(["system", expert], ["user", CAPITAL]),
			harder: chat(["system", helper], ["user", PROOF]),
		},
		{
			name: "easy task after a hard one",
			easier: after(PROOF, "Done.", CAPITAL),
			harder: after(CAPITAL, "Vienna.", PROOF),
		},
		{
			name: "easy rewrite after a hard one",
			easier: after(DESIGN, "Done.", EMAIL),
			harder: after(EMAIL, "She went.", DESIGN),
		},
		{
			name: "still fails, after code and after a haiku",
			easier: after(HAIKU, "Snow falls", "That is still wrong, try again"),
			harder: after(DEBUG, "Use a pool.", "That is still wrong, try again"),
		},
		{
			name: "and now generalise",
			easier: after(CAPITAL, "Vienna.", "And what about Hungary?"),
			harder: after(PROOF, "Proof …", "Now prove the same for maps between uniform spaces."),
		},
		{
			name: "why, after a proof and after a fact",
			easier: after(CAPITAL, "Vienna.", "why?"),
			harder: after(PROOF, "Proof …", "why?"),
		},
		{
			name: "long easy chat, short hard one",
			easier: chat(
				["user", "Hi"],
				["assistant", "Hello!"],
				["user", "Tell me a joke"],
				["assistant", "…"],
				["user", "another one"],
				["assistant", "…"],
				["user", "What is your favourite colour?"],
			),
			harder: chat(["user", DESIGN]),
		},
		{
			name: "a pasted log and an easy question",
			easier: plainPrompt(
				`What language is this log written in?\n\n${"2024-05-01 12:00:01 INFO server started on port 8080\n".repeat(30)}`,
			),
			harder: plainPrompt(DEBUG),
		},
		{
			name: "approval through two turns",
			easier: chat(
				["user", HAIKU],
				["assistant", "Shall I?"],
				["user", "yes"],
				["assistant", "More?"],
				["user", "yes"],
			),
			harder: chat(
				["user", PROOF],
				["assistant", "Shall I?"],
				["user", "yes"],
				["assistant", "More?"],
				["user", "continue"],
			),
		},
		{
			name: "an offer decides",
			easier: after("hello", "Would you like me to tell you a joke about cats?", "yes please"),
			harder: after(
				"hello",
				"Would you like me to derive the convergence proof of stochastic gradient descent with non-convex losses, including the variance bounds?",
				"yes please",
			),
		},
	];
}

function tools(): readonly Ordering[] {
	const one = "Book a table for two at seven.";
	const many =
		"Find the three cheapest flights from Oslo to Rome in May, check the weather for each date, then book the one with the least rain, add it to my calendar and finally email the itinerary to Anna.";
	return [
		{ name: "more tools", easier: withTools(one, 1, 2), harder: withTools(one, 12, 2) },
		{ name: "more required arguments", easier: withTools(one, 3, 2), harder: withTools(one, 3, 15) },
		{ name: "more steps, one tool", easier: withTools(one, 1, 2), harder: withTools(many, 1, 2) },
		{ name: "more steps, many tools", easier: withTools(one, 6, 12), harder: withTools(many, 6, 12) },
		{ name: "many tools, trivial message", easier: withTools("Hi there!", 20, 30), harder: withTools(many, 4, 8) },
		{ name: "a tool for a fact, no tool for a proof", easier: withTools(CAPITAL, 1, 1), harder: plainPrompt(PROOF) },
		{
			name: "parallel calls",
			easier: withTools("What is the weather in Paris?", 1, 1),
			harder: withTools(
				"What is the weather in Paris, in Rome and in Oslo, and how far apart are they? Then convert the distances to miles.",
				3,
				5,
			),
		},
		{
			name: "thanks with tools",
			easier: { ...after(many, "Done, all booked.", "Thanks!"), tools: { count: 10, required: 20 } },
			harder: withTools(one, 1, 2),
		},
	];
}

function plain(): readonly Ordering[] {
	const ladder = [
		"Hi!",
		CAPITAL,
		"Explain how a refrigerator works to a child.",
		"Write a Python function that merges two sorted lists and explain its complexity.",
		DEBUG,
	];
	const steps = ladder.slice(1).map((text, index) => ({
		name: `ladder ${index}`,
		easier: plainPrompt(ladder[index] ?? ""),
		harder: plainPrompt(text),
	}));
	return [
		...steps,
		{
			name: "arithmetic and number theory",
			easier: plainPrompt("What is 17 times 3?"),
			harder: plainPrompt("Find the last two digits of 3^2027 and justify each step with Euler's theorem."),
		},
		{
			name: "definition and derivation",
			easier: plainPrompt("What does entropy mean?"),
			harder: plainPrompt(
				"Derive the entropy of an ideal gas from the microcanonical ensemble and discuss the Gibbs paradox.",
			),
		},
		{
			name: "a list and a trade-off study",
			easier: plainPrompt("List five databases."),
			harder: plainPrompt(
				"Compare LSM trees and B-trees for a write-heavy time series with range scans: write amplification, read latency, compaction stalls. Recommend one with numbers.",
			),
		},
		{
			name: "one question and a stuffed simple one",
			easier: plainPrompt(`${CAPITAL}\nProve the complexity of a distributed consensus algorithm with trade-offs.`),
			harder: plainPrompt(PROOF),
		},
		{
			name: "translation of hard words",
			easier: plainPrompt("Translate 'distributed consensus algorithm' into French."),
			harder: plainPrompt(DESIGN),
		},
		{
			name: "long easy text",
			easier: plainPrompt(
				`Summarize in one sentence: ${"We went to the lake, had a picnic, swam a little and drove home in the evening. ".repeat(12)}`,
			),
			harder: plainPrompt(PROOF),
		},
	];
}

export function orderings(): readonly Ordering[] {
	return [
		...approvals(),
		...courtesies(),
		...housekeeping(),
		...context(),
		...tools(),
		...plain(),
		...conversations(),
		...requests(),
	];
}
