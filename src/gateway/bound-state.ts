import type { Deployment } from "../config/types.ts";
import { chatSeals, withoutChatSeals } from "../dialects/chat-hub/seals.ts";
import { itemSeals, mayHoldSeals, withoutSealedItems } from "../dialects/openai-responses/sealed-items.ts";
import { OPAQUE, type Seal } from "../dialects/seal.ts";
import type { OperationId } from "../dialects/types.ts";
import { badRequest, type GatewayError } from "../lib/errors.ts";
import { accountOf, readerOf } from "./account.ts";
import type { SealBook } from "./seal-book.ts";
import { speechOf } from "./spoken.ts";
import type { Admitted, ParsedBody } from "./types.ts";
import { refusedBy } from "./upstream-body.ts";

/** What of a request only the provider that made it can read, in order; undefined = all of it can be said to anybody. */
export function boundState({
	ingress: { operation },
	body,
	envelope,
}: Pick<Admitted, "ingress" | "body" | "envelope">): readonly Seal[] | undefined {
	if (body.kind !== "json") {
		return undefined;
	}
	let seals: readonly Seal[] = [];
	if (operation === "chat" && envelope.hasExtensions) {
		seals = chatSeals(body.json.messages);
	} else if (operation === "responses" && mayHoldSeals(body.json.input)) {
		seals = itemSeals(body.json.input);
	}
	return seals.length === 0 ? undefined : seals;
}

/** Who reads what. */
export interface Readers {
	readonly operation: OperationId;
	readonly seals: SealBook;
}

/**
 * Whether a deployment can read a seal. `maybe`: bytes travel to a server of which nobody knows, or nobody knows who made
 * it. Claude's signatures "are compatible across platforms", so they are read by Anthropic, Bedrock and Vertex alike
 * (https://platform.claude.com/docs/en/build-with-claude/extended-thinking); what OpenAI and Azure encrypt is read by the
 * account that made it.
 */
export function canRead(seal: Seal, deployment: Deployment, { operation, seals }: Readers): "yes" | "maybe" | "no" {
	if (seals.hasRefused(seal.marks, readerOf(deployment))) {
		return "no";
	}
	const isNative = operation === "responses" && speechOf(deployment, "responses") !== undefined;
	if (isNative !== (seal.format === OPAQUE)) {
		return "no";
	}
	if (isNative) {
		const maker = seals.makerOf(seal.marks);
		return maker === undefined ? "maybe" : maker === accountOf(deployment) ? "yes" : "no";
	}
	const { provider, model } = deployment;
	const translator = speechOf(deployment, "chat")?.translator;
	if (translator !== undefined) {
		return translator.reads?.(seal, model) === true ? "yes" : "no";
	}
	if (provider.quirks.reads(seal, model)) {
		return "yes";
	}
	return refusedBy(deployment).length > 0 ? "no" : "maybe";
}

/**
 * Which deployments read the state of a conversation: that of the turn that is going on, where it has any, since a chain
 * of thought that is torn in the midst of its tool calls costs most; else that of the whole. Where several providers have
 * left theirs, whoever left most counts, and the first of equals.
 */
export function readersOf(state: readonly Seal[], readers: Readers): (deployment: Deployment) => boolean {
	const current = state.filter(({ isCurrent }) => isCurrent);
	const makers = new Map<string, Seal[]>();
	for (const seal of current.length > 0 ? current : state) {
		const maker = seal.format === OPAQUE ? readers.seals.makerOf(seal.marks) : seal.id;
		const name = `${seal.format} ${maker ?? ""}`;
		const others = makers.get(name);
		if (others === undefined) {
			makers.set(name, [seal]);
		} else {
			others.push(seal);
		}
	}
	const [first = [], ...others] = makers.values();
	const most = others.reduce((best, seals) => (seals.length > best.length ? seals : best), first);
	const latest = most.at(-1);
	return (deployment) => {
		const verdict = latest === undefined ? "no" : canRead(latest, deployment, readers);
		return verdict === "yes" || (verdict === "maybe" && latest?.format === OPAQUE);
	};
}

/** A request as one deployment can read it. */
export interface Readable {
	readonly body: ParsedBody;
	/** Fields that were left out because only another provider could read them. */
	readonly dropped: readonly string[];
	/** What is sealed and goes along. */
	readonly sent: readonly Seal[];
}

/**
 * Leaves out what a deployment cannot read. The words of the conversation, its calls and their results all stay.
 * @throws GatewayError 400 where what it cannot read stands for words: somebody else may.
 */
export function readableFor(
	deployment: Deployment,
	{ body, state }: { readonly body: ParsedBody; readonly state: readonly Seal[] | undefined },
	readers: Readers,
): Readable {
	if (state === undefined || body.kind !== "json") {
		return { body, dropped: [], sent: [] };
	}
	const isSent = (seal: Seal) => canRead(seal, deployment, readers) !== "no";
	const left = state.filter((seal) => !isSent(seal));
	const lost = left.find(({ isEssential }) => isEssential);
	if (lost !== undefined && speechOf(deployment, readers.operation) !== undefined) {
		throw unreadable(lost);
	}
	const marks = new Set(left.flatMap((seal) => seal.marks));
	const isLeftOut = (given: readonly string[]) => given.some((mark) => marks.has(mark));
	return {
		body: left.length === 0 ? body : { ...body, json: { ...body.json, ...without(body, isLeftOut, readers) } },
		dropped: [...new Set(left.flatMap(({ field, isEssential }) => (isEssential ? [] : [field])))],
		sent: left.length === 0 ? state : state.filter(isSent),
	};
}

function without(
	{ json }: Extract<ParsedBody, { kind: "json" }>,
	isLeftOut: (marks: readonly string[]) => boolean,
	{ operation }: Readers,
) {
	return operation === "chat"
		? { messages: withoutChatSeals(json.messages, isLeftOut) }
		: { input: withoutSealedItems(json.input, isLeftOut) };
}

function unreadable({ field }: Seal): GatewayError {
	return badRequest(
		`Only the provider's account that made '${field}' can read it, and that account cannot be asked now.`,
		field,
		"unsupported_content",
	);
}
