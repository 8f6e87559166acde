import { hasTiers } from "../../config/routing-warnings.ts";
import type { Alias, Deployment, Thresholds, Tier } from "../../config/types.ts";
import { formatUsd } from "../../lib/money.ts";
import { createOrderer } from "../order.ts";
import { bucketOf } from "../score.ts";
import type { Decision, Orderer } from "../types.ts";
import {
	answerOf,
	type Compared,
	type ComparisonSum,
	createComparisonSum,
	isWithoutText,
	priceAt,
} from "./price-at.ts";
import type { AliasReplay, Replay, ReplayTerms, RoutedBy, RoutedRequest } from "./types.ts";

/** Said with every result. */
const REPLAY_CAVEATS: readonly string[] = [
	"The tokens are those that the model which did answer has read and written; another model writes another number of them, and may find less in its prompt cache.",
	"Whether the other model would have answered as well is not judged.",
	"Prices and tiers are those of the configuration now; what the requests did cost is what was booked then.",
	"Conversations that stay where they were served last are taken as if each request had been placed by its score.",
];

/** Sends requests of the past through the classifier's choice of tier once more. Pure. */
export interface ReplayFold {
	add(request: RoutedRequest): void;
	result(): Replay;
}

export function createReplay(terms: ReplayTerms, by: RoutedBy): ReplayFold {
	const orderer = createOrderer({
		pace: () => {
			throw new Error("tiers are chosen without asking who is fast");
		},
	});
	const sums = new Map<string, AliasReplaySums>();

	function sumOf(name: string): AliasReplaySums | undefined {
		const known = sums.get(name);
		const alias = by.aliases.get(name);
		if (known !== undefined || alias === undefined || !hasTiers(alias)) {
			return known;
		}
		const made = createAliasReplay(alias, terms, { by, orderer });
		sums.set(name, made);
		return made;
	}

	return {
		add(request) {
			if (request.begun) {
				sumOf(request.alias)?.add(request);
			}
		},
		result() {
			const names = [...sums.keys()].sort();
			const all = names.flatMap((name) => sums.get(name) ?? []);
			const actualNano = all.reduce((sum, { money }) => sum + money.actualNano(), 0n);
			const otherNano = all.reduce((sum, { money }) => sum + money.otherNano(), 0n);
			const aliases = all.map(({ result }) => result());
			return {
				compared: aliases.reduce((count, { compared }) => count + compared, 0),
				changed: aliases.reduce((count, { changed }) => count + changed, 0),
				actual_cost_usd: formatUsd(actualNano),
				other_cost_usd: formatUsd(otherNano),
				saving_usd: formatUsd(actualNano - otherNano),
				aliases,
				caveats: REPLAY_CAVEATS,
			};
		},
	};
}

interface AliasReplaySums {
	add(request: RoutedRequest): void;
	readonly money: ComparisonSum;
	result(): AliasReplay;
}

interface Change {
	readonly from: Tier | null;
	readonly to: Tier | null;
	readonly money: ComparisonSum;
}

function createAliasReplay(
	alias: Alias,
	terms: ReplayTerms,
	{ by, orderer }: { readonly by: RoutedBy; readonly orderer: Orderer },
): AliasReplaySums {
	const thresholds = terms.thresholds(alias);
	const money = createComparisonSum();
	const changes = new Map<string, Change>();
	const skipped = { undecided: 0, without_text: 0, other_strategy: 0 };

	function skippedFor(decision: Decision | undefined): keyof typeof skipped | undefined {
		if (decision === undefined) {
			return "undecided";
		}
		if (isWithoutText(decision)) {
			return "without_text";
		}
		return decision.strategy === "classifier" || terms.classifyAll ? undefined : "other_strategy";
	}

	function changeOf(from: Tier | null, to: Tier | null): Change {
		const name = `${from}\n${to}`;
		const change = changes.get(name) ?? { from, to, money: createComparisonSum() };
		changes.set(name, change);
		return change;
	}

	function addDecided(request: RoutedRequest, decision: Decision): void {
		const { compared, from, to, changed } = again(request, decision, { alias, thresholds, by, orderer });
		money.add(compared);
		if (changed && compared.kind === "compared") {
			changeOf(from, to).money.add(compared);
		}
	}

	return {
		money,
		add(request) {
			const { decision } = request;
			const reason = skippedFor(decision);
			if (reason !== undefined) {
				skipped[reason] += 1;
			} else if (decision !== undefined) {
				addDecided(request, decision);
			}
		},
		result: () => ({
			model_alias: alias.name,
			thresholds,
			compared: money.compared(),
			changed: [...changes.values()].reduce((count, change) => count + change.money.compared(), 0),
			...money.money(),
			changes: [...changes]
				.sort(([left], [right]) => (left < right ? -1 : 1))
				.map(([, { from, to, money: sum }]) => ({ from, to, requests: sum.compared(), ...sum.money() })),
			not_compared: { ...money.notCompared(), ...skipped },
		}),
	};
}

interface Again {
	readonly compared: Compared;
	readonly changed: boolean;
	readonly from: Tier | null;
	readonly to: Tier | null;
}

/** One request, placed once more among those that could have served it then. */
function again(
	request: RoutedRequest,
	decision: Decision,
	{ alias, thresholds, by, orderer }: { alias: Alias; thresholds: Thresholds; by: RoutedBy; orderer: Orderer },
): Again {
	const answer = answerOf(request);
	const served = answer && by.deployments.get(answer.deploymentId);
	const from = served?.tier ?? null;
	const stays = (): Again => ({
		compared: priceAt(request, answer?.deploymentId ?? "", by),
		changed: false,
		...{ from, to: from },
	});
	const bucket = bucketOf(decision.score, thresholds);
	if (answer === undefined || (decision.strategy === "classifier" && bucket === decision.bucket)) {
		return stays();
	}
	const [first] = orderer.order({
		alias,
		strategy: "classifier",
		candidates: couldServe(request, decision, alias, by),
		bucket,
		expectedCost: () => undefined,
		session: undefined,
	});
	if (first === undefined) {
		const isGone = decision.candidates.some((id) => !(by.deployments.has(id) || request.failedAt.has(id)));
		return isGone ? { compared: { kind: "gone" }, changed: false, from, to: null } : stays();
	}
	// Among equals it is a matter of turns, and the one that had its turn served it.
	if (served?.alias === alias.name && served.tier === first.tier) {
		return stays();
	}
	return { compared: priceAt(request, first.id, by), changed: true, from, to: first.tier ?? null };
}

/** The alias's deployments that were candidates, still are configured, and did not fail at this very request. */
function couldServe(
	{ failedAt }: RoutedRequest,
	{ candidates }: Decision,
	alias: Alias,
	{ deployments }: RoutedBy,
): readonly Deployment[] {
	return candidates.flatMap((id) => {
		const deployment = deployments.get(id);
		return deployment === undefined || deployment.alias !== alias.name || failedAt.has(id) ? [] : [deployment];
	});
}
