import { isJsonObject, type JsonObject, type JsonValue, objectsIn } from "../lib/json-types.ts";
import { nearest } from "../lib/nearest.ts";
import { type AdminClient, openAdminClient } from "./admin-client.ts";
import { type Arguments, type OptionSpec, readArguments } from "./arguments.ts";
import { DATA_DIRECTORY_DEFAULT } from "./data-directory.ts";
import { UsageError } from "./failures.ts";
import { KEY_FIELD_OPTIONS, readClearedFields, readKeyFields } from "./key-fields.ts";
import { formatTable, printable } from "./table.ts";
import { type CliIo, type Command, EXIT } from "./types.ts";

const URL_DEFAULT = "http://127.0.0.1:8080";

const HELP = `Create, list, show, update and revoke virtual keys of a running gateway.

Usage:
  gateway-llm keys create [fields]
  gateway-llm keys list [--team TEAM] [--name NAME] [--limit N] [--after ID]
  gateway-llm keys show ID
  gateway-llm keys update ID [fields] [--clear FIELD,…] [--enable | --disable]
  gateway-llm keys revoke ID

Fields:
  --name NAME        For people.
  --team TEAM        Groups keys for spend and team limits.
  --models A,B       Aliases the key may use. Default: all.
  --rpm N            Requests a minute.
  --tpm N            Tokens a minute, prompt and completion together.
  --budget USD       Dollars a calendar month (UTC), such as 25.50.
  --parallel N       Requests in flight at once.
  --strategy NAME    round_robin, least_latency, least_busy, cheapest or classifier, whatever the alias says.
  --expires TIME     RFC 3339, such as 2030-01-31T00:00:00Z.
  --metadata JSON    An object of your own.

Options:
  --url URL          The gateway. Default: ${URL_DEFAULT}
  --data DIR         Where a generated master key is looked for. Default: ${DATA_DIRECTORY_DEFAULT}
  --json             Print the gateway's answer as JSON.

The master key is read from GATEWAY_LLM_MASTER_KEY, else from the data directory.

Example:
  gateway-llm keys create --name checkout --team shop --models gpt-4o-mini --rpm 120 --budget 50
`;

const CONNECTION: Readonly<Record<string, OptionSpec>> = {
	url: { type: "string" },
	data: { type: "string" },
	json: { type: "boolean" },
};

interface Action {
	readonly options: Readonly<Record<string, OptionSpec>>;
	readonly positionals: readonly string[];
	request(options: Arguments, client: AdminClient): Promise<JsonObject>;
	/** The answer for people. */
	print(answer: JsonObject): string;
}

const ACTIONS: Readonly<Record<string, Action>> = {
	create: {
		options: { ...KEY_FIELD_OPTIONS, disable: { type: "boolean" } },
		positionals: [],
		request: (options, client) =>
			client.call("POST", "/admin/keys", {
				...readKeyFields(options),
				...(options.flag("disable") ? { enabled: false } : {}),
			}),
		print: ({ key, ...settings }) =>
			`${formatFields(settings)}\nkey  ${text(key)}\n\nKeep the key now: it is shown this once and stored only as a hash.\n`,
	},
	list: {
		options: {
			team: { type: "string" },
			name: { type: "string" },
			limit: { type: "string" },
			after: { type: "string" },
		},
		positionals: [],
		request: (options, client) => client.call("GET", `/admin/keys${listQuery(options)}`),
		print: formatKeys,
	},
	show: {
		options: {},
		positionals: ["ID"],
		request: (options, client) => client.call("GET", keyPath(options)),
		print: formatFields,
	},
	update: {
		options: {
			...KEY_FIELD_OPTIONS,
			clear: { type: "string" },
			enable: { type: "boolean" },
			disable: { type: "boolean" },
		},
		positionals: ["ID"],
		request: (options, client) => client.call("PATCH", keyPath(options), readChanges(options)),
		print: formatFields,
	},
	revoke: {
		options: {},
		positionals: ["ID"],
		request: (options, client) => client.call("DELETE", keyPath(options)),
		print: (answer) => `Revoked ${text(answer.id)}.\n`,
	},
};

export const keysCommand: Command = {
	help: HELP,
	async run([name, ...argv], io) {
		if (name === undefined) {
			throw new UsageError("Say what to do: create, list, show, update or revoke.");
		}
		const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
		if (action === undefined) {
			const meant = nearest(name, Object.keys(ACTIONS));
			throw new UsageError(`Unknown action: ${name}${meant === undefined ? "" : `. Did you mean ${meant}?`}`);
		}
		return runAction(action, readArguments(argv, { ...CONNECTION, ...action.options }, action.positionals), io);
	},
};

async function runAction(action: Action, options: Arguments, io: CliIo): Promise<number> {
	const client = await openAdminClient(io, {
		url: options.text("url") ?? URL_DEFAULT,
		dataDirectory: options.text("data") ?? DATA_DIRECTORY_DEFAULT,
	});
	const answer = await action.request(options, client);
	await io.stdout(options.flag("json") ? `${JSON.stringify(answer, null, 2)}\n` : action.print(answer));
	return EXIT.ok;
}

function keyPath(options: Arguments): string {
	return `/admin/keys/${encodeURIComponent(options.positionals[0] ?? "")}`;
}

function listQuery(options: Arguments): string {
	const query = new URLSearchParams();
	for (const name of ["team", "name", "limit", "after"]) {
		const value = options.text(name);
		if (value !== undefined) {
			query.set(name, value);
		}
	}
	return query.size === 0 ? "" : `?${query}`;
}

function readChanges(options: Arguments): JsonObject {
	const clear = options.text("clear");
	if (options.flag("enable") && options.flag("disable")) {
		throw new UsageError("--enable and --disable contradict each other.");
	}
	const changes: JsonObject = {
		...readKeyFields(options),
		...(clear === undefined ? {} : readClearedFields(clear)),
		...(options.flag("enable") ? { enabled: true } : {}),
		...(options.flag("disable") ? { enabled: false } : {}),
	};
	if (Object.keys(changes).length === 0) {
		throw new UsageError("Name at least one field to change.");
	}
	return changes;
}

function formatKeys(answer: JsonObject): string {
	const keys = objectsIn(answer.data);
	if (keys.length === 0) {
		return "No virtual keys.\n";
	}
	const columns = ["id", "name", "team", "models", "rpm", "tpm", "monthly_budget_usd", "enabled", "expires_at"];
	const rows = keys.map((key) => columns.map((column) => text(key[column])));
	const more =
		answer.has_more === true ? `\nMore: gateway-llm keys list --after ${printable(text(answer.next_after))}\n` : "";
	return formatTable([columns.map((column) => column.toUpperCase()), ...rows]) + more;
}

function formatFields(object: JsonObject): string {
	const { usage, ...fields } = object;
	const lines = Object.entries(fields).concat(isJsonObject(usage) ? Object.entries(usage) : []);
	return formatTable(lines.map(([name, value]) => [name, text(value)]));
}

function text(value: JsonValue | undefined): string {
	if (value === null || value === undefined) {
		return "-";
	}
	if (Array.isArray(value)) {
		return value.length === 0 ? "all" : value.map(text).join(",");
	}
	return typeof value === "object" ? JSON.stringify(value) : String(value);
}
