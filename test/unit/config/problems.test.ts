import { describe, expect, test } from "bun:test";
import { MODEL_LIST, problemsOf, withDeployment } from "./config-fixtures.ts";

/** What each wrong file is answered with. `…` stands for the rest of a message. */
const CASES: readonly (readonly [name: string, text: string, expected: readonly string[]])[] = [
	["nothing", "", ["1:1: the file is empty; it needs at least model_list"]],
	["comments only", "# later\n", ["1:1: the file is empty; it needs at least model_list"]],
	["a list", "- a\n", ["1:1: must be a section with keys"]],
	["broken YAML", "server: [1\nport: 2\n", ["2:1: Flow sequence in block collection…"]],
	["a duplicate YAML key", `server: {}\nserver: {}\n${MODEL_LIST}`, ['2:1 server: key "server" is already there']],
	["an unknown tag", `server: !vault x\n${MODEL_LIST}`, ["1:9: Unresolved tag: !vault"]],
	[
		"an anchor that is not there",
		`server: *nowhere\n${MODEL_LIST}`,
		["1:9 server: there is no anchor &nowhere before this"],
	],
	["a key that is no text", `? [a]\n: b\n${MODEL_LIST}`, ["1:1: keys must be plain text"]],
	["two documents", `${MODEL_LIST}---\na: 1\n`, ["6:1: Source contains multiple documents…"]],
	["an empty model_list", "model_list: []\n", ["1:13 model_list: must have at least 1 entry"]],
	["a misspelt section", `servr: {}\n${MODEL_LIST}`, ['1:1 servr: unknown key "servr"; did you mean "server"?']],
	[
		"a misspelt key",
		`server:\n  prot: 1\n${MODEL_LIST}`,
		['2:3 server.prot: unknown key "prot"; did you mean "port"?'],
	],
	["__proto__", `__proto__: {}\n${MODEL_LIST}`, ['1:1 __proto__: unknown key "__proto__"']],
	[
		"a misspelt deployment key",
		withDeployment("provider: mock", "model: echo", "wieght: 2"),
		['6:9 model_list[0].deployments[0].wieght: unknown key "wieght"; did you mean "weight"?'],
	],
	[
		"an unknown provider",
		withDeployment("provider: opnai", "model: m"),
		['4:19 model_list[0].deployments[0].provider: unknown provider "opnai"; did you mean "openai"?'],
	],
	[
		"a provider like none",
		withDeployment("provider: zzz", "model: m"),
		['4:19 model_list[0].deployments[0].provider: unknown provider "zzz"; known are openai, anthropic…'],
	],
	["a missing model", withDeployment("provider: mock"), ["4:9 model_list[0].deployments[0].model: is missing"]],
	[
		"a number for a name",
		withDeployment("provider: mock", "model: 4"),
		["5:16 model_list[0].deployments[0].model: must be text (put it in quotes if it looks like a number)"],
	],
	[
		"no key where one is needed",
		withDeployment("provider: openai", "model: m"),
		['4:9 model_list[0].deployments[0]: provider "openai" needs a key: set api_key_env, usually to OPENAI_API_KEY'],
	],
	[
		"both ways to give a key",
		withDeployment("provider: openai", "model: m", "api_key: k", "api_key_env: OPENAI_API_KEY"),
		["6:18 model_list[0].deployments[0].api_key: cannot be combined with api_key_env; keep one of them"],
	],
	[
		"a key instead of its variable's name",
		withDeployment("provider: openai", "model: m", "api_key_env: sk-abc"),
		[
			"6:22 model_list[0].deployments[0].api_key_env: must be the name of an environment variable, such as OPENAI_API_KEY",
		],
	],
	[
		"a key with a line break",
		withDeployment("provider: openai", "model: m", 'api_key: "sk\\r\\nX-Evil: 1"'),
		["6:18 model_list[0].deployments[0].api_key: must be printable ASCII without spaces"],
	],
	[
		"no address where none is usual",
		withDeployment("provider: openai_compatible", "model: m"),
		['4:9 model_list[0].deployments[0]: provider "openai_compatible" has no usual address: set base_url'],
	],
	[
		"weight 0",
		withDeployment("provider: mock", "model: m", "weight: 0"),
		["6:17 model_list[0].deployments[0].weight: must be greater than 0"],
	],
	[
		"a negative weight",
		withDeployment("provider: mock", "model: m", "weight: -1"),
		["6:17 model_list[0].deployments[0].weight: must be greater than 0"],
	],
	[
		"an unknown tier",
		withDeployment("provider: mock", "model: m", "tier: simpel"),
		['6:15 model_list[0].deployments[0].tier: must be one of simple, medium, complex; did you mean "simple"?'],
	],
	[
		"a negative price",
		withDeployment("provider: mock", "model: m", "price: { input_per_million: -1, output_per_million: 1 }"),
		["6:37 model_list[0].deployments[0].price.input_per_million: must be a plain amount of dollars…"],
	],
	[
		"half a price",
		withDeployment("provider: mock", "model: m", "price: { input_per_million: 1 }"),
		["6:16 model_list[0].deployments[0].price: needs both input_per_million and output_per_million…"],
	],
	[
		"a price of searches alone, which would make the words free",
		withDeployment("provider: mock", "model: m", "price: { per_search: 0.01 }"),
		["6:16 model_list[0].deployments[0].price: needs both input_per_million and output_per_million…"],
	],
	[
		"an illegal header name",
		withDeployment("provider: mock", "model: m", 'headers: { "a b": c }'),
		['6:20 model_list[0].deployments[0].headers["a b"]: is not a legal header name'],
	],
	[
		"a header that frames the message",
		withDeployment("provider: mock", "model: m", "headers: { Content-Length: '5' }"),
		["6:20 model_list[0].deployments[0].headers.Content-Length: is a header that the gateway sets itself"],
	],
	[
		"a header value with a line break",
		withDeployment("provider: mock", "model: m", 'headers: { x: "a\\nb" }'),
		["6:23 model_list[0].deployments[0].headers.x: must be a header value: printable ASCII on one line"],
	],
	[
		"a duration without unit",
		`server:\n  read_timeout: 30\n${MODEL_LIST}`,
		["2:17 server.read_timeout: must be a duration…"],
	],
	[
		"a duration of nothing",
		`server:\n  read_timeout: 0s\n${MODEL_LIST}`,
		["2:17 server.read_timeout: must be a duration…"],
	],
	[
		"a duration in days",
		`server:\n  read_timeout: 1d\n${MODEL_LIST}`,
		["2:17 server.read_timeout: must be a duration…"],
	],
	["a port too high", `server:\n  port: 65536\n${MODEL_LIST}`, ["2:9 server.port: must be at most 65535"]],
	["a port in words", `server:\n  port: http\n${MODEL_LIST}`, ["2:9 server.port: must be a number"]],
	["half a port", `server:\n  port: 80.5\n${MODEL_LIST}`, ["2:9 server.port: must be a whole number"]],
	["another database", `database:\n  url: mysql://x/y\n${MODEL_LIST}`, ["2:8 database.url: must be sqlite:PATH or…"]],
	[
		"an ambiguous path",
		`database:\n  url: sqlite://x.db\n${MODEL_LIST}`,
		["2:8 database.url: must be sqlite:PATH or…"],
	],
	["another Redis", `redis:\n  url: http://x\n${MODEL_LIST}`, ["2:8 redis.url: must be redis://HOST:PORT or…"]],
	["a short master key", `auth:\n  master_key: sk-1234\n${MODEL_LIST}`, ["2:15 auth.master_key: must be at least 16…"]],
	[
		"a well-known master key",
		`auth:\n  master_key: changemechangeme\n${MODEL_LIST}`,
		["2:15 auth.master_key: must not be a well-known…"],
	],
	[
		"an unset variable",
		`server:\n  host: \${HOST_NAME}\n${MODEL_LIST}`,
		["2:9 server.host: environment variable HOST_NAME is not set"],
	],
	[
		"two unset variables in one value",
		`server:\n  host: \${A}-\${B}\n${MODEL_LIST}`,
		["2:9 server.host: environment variable A is not set", "2:9 server.host: environment variable B is not set"],
	],
	["a malformed variable", `server:\n  host: \${HOST-x}\n${MODEL_LIST}`, ["2:9 server.host: must have the form…"]],
	[
		"an alias with a control character",
		'model_list: [{ model_alias: "a\\e[31m", deployments: [{ provider: mock, model: m }] }]\n',
		["1:29 model_list[0].model_alias: must not contain control characters"],
	],
	[
		"an alias too long",
		`model_list: [{ model_alias: ${"a".repeat(129)}, deployments: [{ provider: mock, model: m }] }]\n`,
		["1:29 model_list[0].model_alias: must have at most 128 characters"],
	],
	[
		"an alias twice",
		`${MODEL_LIST}  - model_alias: a\n    deployments: [{ provider: mock, model: m }]\n`,
		['6:18 model_list[1].model_alias: alias "a" is already defined; list all its deployments under one entry'],
	],
	["no deployments", "model_list: [{ model_alias: a }]\n", ["1:14 model_list[0].deployments: is missing"]],
	[
		"itself as fallback",
		`${MODEL_LIST}    fallbacks: [a]\n`,
		['6:17 model_list[0].fallbacks[0]: alias "a" cannot be its own fallback'],
	],
	[
		"an unknown fallback",
		`${MODEL_LIST}    fallbacks: [b]\n`,
		['6:17 model_list[0].fallbacks[0]: there is no alias "b"'],
	],
	[
		"an unsafe callback",
		`callbacks: [{ url: "http://169.254.169.254/" }]\n${MODEL_LIST}`,
		["1:20 callbacks[0].url: is a private or local address…"],
	],
];

describe("a wrong file is answered with place, path and remedy", () => {
	test.each(CASES)("%s", (_name, text, expected) => {
		const problems = problemsOf(text, {});
		expect(problems).toHaveLength(expected.length);
		for (const [index, line] of expected.entries()) {
			const wanted = line.startsWith("…") ? "config.yaml:" : `config.yaml:${line.replace(/…$/, "")}`;
			const found = problems[index] ?? "";
			expect(line.endsWith("…") ? found.slice(0, wanted.length) : found).toBe(wanted);
		}
	});
});

test("all problems are told at once, in the order of the file, whatever kind they are", () => {
	const text = `
servr: {}
server: { port: http }
auth: { master_key: "\${KEY}" }
model_list:
  - model_alias: x
    fallbacks: [zzz]
    deployments:
      - provider: opnai
        model: 5
      - provider: opnai
        model: m
      - provider: openai
        model: m
        api_key_env: OPENAI_API_KEY
  - model_alias: x
`;
	expect(problemsOf(text, {}).map((line) => line.replace(/: .*/, ""))).toEqual([
		"config.yaml:2:1 servr",
		"config.yaml:3:17 server.port",
		"config.yaml:4:21 auth.master_key",
		"config.yaml:7:17 model_list[0].fallbacks[0]",
		"config.yaml:10:16 model_list[0].deployments[0].model",
		"config.yaml:11:19 model_list[0].deployments[1].provider",
		"config.yaml:15:22 model_list[0].deployments[2].api_key_env",
		"config.yaml:16:5 model_list[1].deployments",
		"config.yaml:16:18 model_list[1].model_alias",
	]);
});

describe("tiers", () => {
	const tiers = (...names: readonly (string | undefined)[]) => {
		const deployments = names.map(
			(name) => `{ provider: mock, model: m${name === undefined ? "" : `, tier: ${name}`} }`,
		);
		return problemsOf(`model_list: [{ model_alias: a, deployments: [${deployments.join(", ")}] }]\n`);
	};

	test.each([
		[["simple", "complex"]],
		[["simple", "simple", "complex"]],
		[["simple", "medium", undefined]],
		[[undefined, undefined]],
		[["simple"]],
	])("%p is right", (names) => {
		expect(tiers(...names)).toEqual([]);
	});

	test.each([
		[["simple", "simple"], "deployments[1].tier: tier simple is set twice while no deployment has another"],
		[
			["simple", "simple", undefined],
			"deployments[1].tier: tier simple is set twice while another deployment of this alias has none",
		],
		[
			["complex", "simple", undefined, "simple"],
			"deployments[3].tier: tier simple is set twice while another deployment of this alias has none",
		],
	])("%p is refused", (names, message) => {
		expect(tiers(...names)).toEqual([expect.stringContaining(message)]);
	});
});

describe("no problem quotes a secret", () => {
	const SECRET = "canary-9f8e7d6c5b";
	test.each([
		[
			"a key that is no header value",
			withDeployment("provider: openai", "model: m", "api_key_env: KEY"),
			`${SECRET} x`,
		],
		["an inline key", withDeployment("provider: openai", "model: m", "api_key: ${KEY}"), `${SECRET} x`],
		["a database URL", `database: { url: "\${KEY}" }\n${MODEL_LIST}`, `mysql://u:${SECRET}@h/d`],
		["a Redis URL", `redis: { url: "\${KEY}" }\n${MODEL_LIST}`, `http://u:${SECRET}@h/d`],
		["a master key", `auth: { master_key: "\${KEY}" }\n${MODEL_LIST}`, SECRET.slice(0, 15)],
		[
			"a URL with a password",
			withDeployment("provider: openai_compatible", "model: m", "base_url: ${KEY}"),
			`https://u:${SECRET}@h/`,
		],
		["a header", withDeployment("provider: mock", "model: m", 'headers: { x: "${KEY}" }'), `${SECRET}\n`],
	])("%s", (_name, text, value) => {
		const problems = problemsOf(text, { KEY: value });
		expect(problems).toHaveLength(1);
		expect(problems.join()).not.toContain(SECRET.slice(0, 15));
	});
});
