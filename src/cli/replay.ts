import { hasTiers } from "../config/routing-warnings.ts";
import type { Snapshot } from "../config/types.ts";
import { systemClock } from "../lib/clock.ts";
import { readInstant } from "../lib/instant.ts";
import { nearest } from "../lib/nearest.ts";
import { createReplay, type ReplayFold } from "../routing/report/replay.ts";
import { replaced, shifted } from "../routing/report/try-thresholds.ts";
import type { ReplayTerms } from "../routing/report/types.ts";
import { StoreRefused } from "../store/store-refused.ts";
import { type Arguments, readArguments } from "./arguments.ts";
import { DATA_DIRECTORY_DEFAULT } from "./data-directory.ts";
import { CommandFailure, UsageError } from "./failures.ts";
import { type Books, openBooks } from "./open-books.ts";
import { replayText, sweepText } from "./replay-text.ts";
import type { Replayed, Swept } from "./replay-types.ts";
import { type Command, EXIT } from "./types.ts";

const DAY_MS = 86_400_000;
const DAYS_USUAL = 7;
/** How far both thresholds are moved when nobody says where to. */
const SHIFTS = [-0.2, -0.15, -0.1, -0.05, 0, 0.05, 0.1, 0.15, 0.2];

export const replayCommand: Command = {
	help: `Tell what other thresholds would have cost or saved, from the requests in the database. Changes nothing; a gateway
may be running.

Usage: gateway-llm replay [options]

Without --medium and --complex: a table of both thresholds moved down and up, by 0.05 to 0.2.

Options:
  --config FILE        Says where the database is, tiers and prices. Default: config.yaml, else the built-in configuration.
  --data DIR           The data directory of the gateway. Default: ${DATA_DIRECTORY_DEFAULT}
  --from DATE          First UTC day, such as 2026-11-01, or a date-time (2026-11-01T12:00:00Z). Default: ${DAYS_USUAL} days before --to.
  --to DATE            Last UTC day; a date-time is exclusive. Default: now.
  --alias NAME         Only this alias. Default: every alias whose deployments have tiers.
  --medium SCORE       Lowest score that is medium, 0 to 1. Default: the alias's own.
  --complex SCORE      Lowest score that is complex, 0 to 1. Default: the alias's own.
  --strategy NAME      Only \`classifier\`: takes requests that another strategy placed as if the classifier had.
  --json               Print one JSON object.

Exit codes: 0 done, 1 not done (arguments, no database), 78 bad configuration.
`,
	async run(argv, io) {
		const options = readArguments(argv, {
			config: { type: "string" },
			data: { type: "string" },
			from: { type: "string" },
			to: { type: "string" },
			alias: { type: "string" },
			medium: { type: "string" },
			complex: { type: "string" },
			strategy: { type: "string" },
			json: { type: "boolean" },
		});
		try {
			return await replay(options, io);
		} catch (error) {
			if (error instanceof StoreRefused) {
				throw new CommandFailure(error.message);
			}
			throw error;
		}
	},
};

async function replay(options: Arguments, io: Parameters<Command["run"]>[1]): Promise<number> {
	const period = readPeriod(options, systemClock.now());
	const asked = readTerms(options);
	const books = await openBooks(options, io);
	if (books === undefined) {
		return EXIT.badConfiguration;
	}
	try {
		const alias = options.text("alias");
		refuseWithoutTiers(books.snapshot, alias);
		const query = { ...period, alias };
		const json = (result: object) => `${JSON.stringify(result)}\n`;
		if (asked.thresholds === undefined) {
			const swept = await sweep(books, query, asked.classifyAll);
			await io.stdout(options.flag("json") ? json(swept) : sweepText(swept));
		} else {
			const replayed = await replayOnce(books, query, { ...asked, thresholds: asked.thresholds });
			await io.stdout(options.flag("json") ? json(replayed) : replayText(replayed));
		}
		return EXIT.ok;
	} finally {
		books.ledger.close();
	}
}

type Query = Parameters<Books["ledger"]["routedRequests"]>[0];

async function replayOnce(books: Books, query: Query, terms: ReplayTerms): Promise<Replayed> {
	const fold = createReplay(terms, books.snapshot);
	const heading = await walk(books, query, [fold]);
	return { object: "routing_replay", ...heading, replay: fold.result() };
}

async function sweep(books: Books, query: Query, classifyAll: boolean): Promise<Swept> {
	const folds = SHIFTS.map((shift) => ({
		shift,
		fold: createReplay({ thresholds: (alias) => shifted(alias, shift), classifyAll }, books.snapshot),
	}));
	const heading = await walk(
		books,
		query,
		folds.map(({ fold }) => fold),
	);
	return {
		object: "routing_sweep",
		...heading,
		sweep: folds.map(({ shift, fold }) => ({ shift, replay: fold.result() })),
	};
}

async function walk({ ledger }: Books, query: Query, folds: readonly ReplayFold[]) {
	for await (const requests of ledger.routedRequests(query)) {
		for (const request of requests) {
			for (const fold of folds) {
				fold.add(request);
			}
		}
	}
	return {
		database: ledger.place,
		from: new Date(query.fromMs).toISOString(),
		to: new Date(query.toMs).toISOString(),
		pruned_days: await ledger.prunedDays(query),
	};
}

function refuseWithoutTiers({ aliases }: Snapshot, name: string | undefined): void {
	if (name === undefined) {
		if (![...aliases.values()].some(hasTiers)) {
			throw new CommandFailure("no deployment of the configuration has a tier: there is nothing to replay.");
		}
		return;
	}
	const alias = aliases.get(name);
	if (alias === undefined) {
		const meant = nearest(name, aliases.keys());
		throw new CommandFailure(`there is no alias ${name}.${meant === undefined ? "" : ` Did you mean ${meant}?`}`);
	}
	if (!hasTiers(alias)) {
		throw new CommandFailure(`no deployment of alias ${name} has a tier: there is nothing to replay.`);
	}
}

function readPeriod(options: Arguments, nowMs: number) {
	const toMs = instant(options, "to", DAY_MS) ?? nowMs + 1;
	const fromMs = instant(options, "from", 0) ?? toMs - DAYS_USUAL * DAY_MS;
	if (fromMs >= toMs) {
		throw new UsageError("--from must be earlier than --to.");
	}
	return { fromMs, toMs };
}

function instant(options: Arguments, name: "from" | "to", dayMs: number): number | undefined {
	const text = options.text(name);
	const atMs = text === undefined ? undefined : readInstant(text, dayMs);
	if (text !== undefined && atMs === undefined) {
		throw new UsageError(
			`--${name} must be a UTC day such as 2026-11-01, or a date-time such as 2026-11-01T12:00:00Z.`,
		);
	}
	return atMs;
}

/** `thresholds` undefined: nobody says which. */
function readTerms(options: Arguments): {
	readonly classifyAll: boolean;
	readonly thresholds: ReplayTerms["thresholds"] | undefined;
} {
	const medium = score(options, "medium");
	const complex = score(options, "complex");
	if ((medium ?? 0) > (complex ?? 1)) {
		throw new UsageError("--medium must not be above --complex.");
	}
	const strategy = options.text("strategy");
	if (strategy !== undefined && strategy !== "classifier") {
		throw new UsageError("--strategy must be classifier, the only one that can be replayed.");
	}
	return {
		classifyAll: strategy !== undefined,
		thresholds:
			medium === undefined && complex === undefined ? undefined : (alias) => replaced(alias, { medium, complex }),
	};
}

function score(options: Arguments, name: "medium" | "complex"): number | undefined {
	const text = options.text(name);
	if (text === undefined) {
		return undefined;
	}
	const value = text.trim() === "" ? Number.NaN : Number(text);
	if (!(value >= 0 && value <= 1)) {
		throw new UsageError(`--${name} must be a number from 0 to 1.`);
	}
	return value;
}
