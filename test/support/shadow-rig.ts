import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCli } from "../../src/cli/run-cli.ts";
import { startGateway } from "../../src/start-gateway.ts";
import { createLogger } from "../../src/telemetry/logger.ts";
import { createFakeIo } from "../unit/cli/fake-io.ts";
import { createGatewayClient, type GatewayClient } from "./gateway-client.ts";
import { type AliasSpec, configText, type DeploymentSpec } from "./gateway-config.ts";
import { chatReply } from "./openai-answers.ts";
import { startUpstream, type Upstream } from "./upstream.ts";

/** What each model costs, dollars a million tokens in and out, and what its answers use. Whole nano-dollars a token. */
export const MODELS = {
	small: { tier: "simple", input: 1, output: 2, usage: { prompt: 101, completion: 11 } },
	middle: { tier: "medium", input: 3, output: 6, usage: { prompt: 203, completion: 23 } },
	large: { tier: "complex", input: 10, output: 30, usage: { prompt: 307, completion: 37 } },
} as const;
export type ModelName = keyof typeof MODELS;

/** What the answer of one model costs at the price of another, nano-USD. */
export function costNano(answeredBy: ModelName, pricedAs: ModelName = answeredBy): number {
	const { usage } = MODELS[answeredBy];
	const { input, output } = MODELS[pricedAs];
	return usage.prompt * input * 1_000 + usage.completion * output * 1_000;
}

/** From easy to hard; which bucket each has is told by its answer. */
export const PROMPTS = [
	"What is the capital of France?",
	"Explain how a hash map works.",
	"Prove that every finite integral domain is a field, then generalise the argument to finite division rings, stating each lemma you use and where commutativity is needed.",
] as const;

export interface ShadowRig extends AsyncDisposable {
	readonly upstream: Upstream;
	readonly client: GatewayClient;
	readonly configPath: string;
	readonly dataDirectory: string;
	/** Stops the gateway; its database stays. */
	stopGateway(): Promise<void>;
	/** A command of the program on this configuration and data. */
	cli(command: string, ...argv: string[]): Promise<{ code: number; stdout: string; stderr: string }>;
}

/** A gateway with priced models in three tiers at one upstream, whose database outlives it. */
export async function startShadowRig(spec: {
	readonly aliases: Readonly<Record<string, AliasSpec["router"]>>;
	/** Of the configuration; undefined: SQLite in the data directory. */
	readonly databaseUrl?: string | undefined;
}): Promise<ShadowRig> {
	const upstream = await startUpstream((request) => {
		// The requests of these tests.
		const { model } = request.json() as { model: ModelName };
		return chatReply({ usage: MODELS[model].usage, model });
	});
	const directory = await mkdtemp(join(tmpdir(), "gateway-shadow-"));
	const configPath = join(directory, "config.yaml");
	const dataDirectory = join(directory, "data");
	const deployments = Object.entries(MODELS).map(
		([model, { tier, input, output }]): DeploymentSpec => ({
			upstream,
			model,
			tier,
			price: { input_per_million: input, output_per_million: output },
		}),
	);
	const { databaseUrl } = spec;
	await writeFile(
		configPath,
		configText({
			aliases: Object.fromEntries(
				Object.entries(spec.aliases).map(([name, router]) => [name, { deployments, router: { ...router } }]),
			),
			// Each request is placed for itself: what conversations do is another test's.
			router: { sticky_for: "0s" },
			more: databaseUrl === undefined ? {} : { database: { url: databaseUrl } },
		}),
	);
	const logger = createLogger({ write: () => {}, format: "json", level: "error", now: Date.now });
	const gateway = await startGateway({
		...{ configPath, dataDirectory, logger },
		host: "127.0.0.1",
		port: 0,
		environment: {},
	});
	let stopped: Promise<void> | undefined;
	const stopGateway = () => {
		stopped ??= gateway.stop();
		return stopped;
	};
	return {
		upstream,
		client: createGatewayClient(gateway.url, gateway.masterKey),
		configPath,
		dataDirectory,
		stopGateway,
		async cli(command, ...argv) {
			const world = createFakeIo();
			const code = await runCli([command, "--config", configPath, "--data", dataDirectory, ...argv], world.io);
			return { code, stdout: world.stdout(), stderr: world.stderr() };
		},
		async [Symbol.asyncDispose]() {
			await stopGateway();
			await upstream[Symbol.asyncDispose]();
			await rm(directory, { recursive: true, force: true });
		},
	};
}
