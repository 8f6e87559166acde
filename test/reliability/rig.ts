import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { GatewayClient } from "../support/gateway-client.ts";
import { type ConfigSpec, configText, type DeploymentSpec } from "../support/gateway-config.ts";
import { type GatewayProcess, startGatewayProcess } from "../support/process.ts";
import { within } from "../support/wait.ts";
import type { Mood, Rates } from "./call-plan.ts";
import { type LedgerUpstream, startLedgerUpstream } from "./ledger-upstream.ts";
import { chooseSeed, createRandom, type Random } from "./random.ts";

const MAIN = join(import.meta.dir, "../../src/main.ts");

/** Odd on purpose: a thousandth of a nano-dollar has to be rounded, and a mixed-up bucket shows. */
export const RATES: Readonly<Record<string, Rates>> = {
	"m-one": { input: "0.15", cached: "0.075", written: "0.15", output: "0.6" },
	"m-two": { input: "0.0333337", cached: "0.0111119", written: "0.0333337", output: "0.2777771" },
	"claude-three": { input: "3", cached: "0.3", written: "3.75", output: "15" },
};
export const OUTPUT_TOKENS_MAX = 200;

/** Where a run keeps everything: removed when it is over, unless it failed and `KEEP=1`. */
export interface Rig extends AsyncDisposable {
	readonly seed: number;
	readonly random: Random;
	readonly directory: string;
	readonly upstream: LedgerUpstream;
	readonly config: ConfigSpec;
	/** A gateway on a data directory of this rig; the same name is the same directory. */
	start(name?: string, environment?: Readonly<Record<string, string>>): Promise<GatewayProcess>;
	dataDirectory(name?: string): string;
}

export interface RigShape {
	/** Models by alias. Default: `chat` with all of them. */
	readonly aliases?: Readonly<Record<string, readonly string[]>>;
	readonly config?: Partial<ConfigSpec>;
}

export async function createRig(goal: string, mood: Mood, shape: RigShape = {}): Promise<Rig> {
	const seed = chooseSeed(goal);
	const random = createRandom(seed);
	const directory = mkdtempSync(join(tmpdir(), "gateway-reliability-"));
	const upstream = await startLedgerUpstream({
		ledgerPath: join(directory, "upstream.jsonl"),
		seed,
		rates: RATES,
		mood,
	});
	const aliases = Object.entries(shape.aliases ?? { chat: Object.keys(RATES) }).map(([alias, models]) => {
		return [alias, { deployments: models.map((model) => deploymentOf(model, upstream.url)) }] as const;
	});
	const config: ConfigSpec = { aliases: Object.fromEntries(aliases), ...shape.config };
	const dataDirectory = (name = "data") => join(directory, name);
	const started: GatewayProcess[] = [];
	return {
		seed,
		random,
		directory,
		upstream,
		config,
		async start(name, environment = {}) {
			const gateway = await startGatewayProcess({ config, dataDirectory: dataDirectory(name), environment });
			started.push(gateway);
			return gateway;
		},
		dataDirectory,
		async [Symbol.asyncDispose]() {
			// A test that failed has not ended its own.
			await Promise.all(started.map((gateway) => gateway[Symbol.asyncDispose]()));
			await upstream[Symbol.asyncDispose]();
			if (process.env.KEEP === undefined) {
				rmSync(directory, { recursive: true, force: true });
			} else {
				console.log(`${goal}: kept in ${directory}`);
			}
		},
	};
}

function deploymentOf(model: string, url: string): DeploymentSpec {
	const rates = RATES[model];
	if (rates === undefined) {
		throw new Error(`no rates for ${model}`);
	}
	return {
		upstream: { url },
		provider: model.startsWith("claude") ? "anthropic" : "openai",
		model,
		max_output_tokens: OUTPUT_TOKENS_MAX,
		price: {
			input_per_million: Number(rates.input),
			cached_input_per_million: Number(rates.cached),
			cache_write_per_million: Number(rates.written),
			output_per_million: Number(rates.output),
		},
	};
}

/** A key, and what bounds it. */
export interface RigKey {
	readonly id: string;
	readonly secret: string;
	readonly budgetNano: bigint | undefined;
}

export async function mintKey(
	gateway: GatewayClient,
	settings: { readonly budgetNano?: bigint; readonly [field: string]: unknown } = {},
): Promise<RigKey> {
	const { budgetNano, ...rest } = settings;
	const budget = budgetNano === undefined ? {} : { monthly_budget_usd: usd(budgetNano) };
	const { id, key } = await gateway.mint({ ...rest, ...budget });
	return { id, secret: key, budgetNano };
}

/** Decimal dollars: the API takes amounts as text too, exactly. */
export function usd(nano: bigint): string {
	const digits = String(nano).padStart(10, "0");
	return `${digits.slice(0, -9)}.${digits.slice(-9)}`;
}

/** kill -9 of the process that serves, and of no other. */
export async function killNow(gateway: GatewayProcess): Promise<void> {
	gateway.signal("SIGKILL");
	await within("the kill", gateway.exited);
	await gateway[Symbol.asyncDispose]();
}

/**
 * Starts a gateway and kills it once the moment has come, wherever it has got to.
 * @returns Whether it was listening by then.
 */
export async function startAndKill(rig: Rig, moment: () => Promise<unknown>, name?: string): Promise<boolean> {
	const configPath = join(rig.directory, "short-lived.json");
	writeFileSync(configPath, configText(rig.config));
	const child = Bun.spawn(
		[process.execPath, MAIN, "serve", "--config", configPath, "--data", rig.dataDirectory(name)],
		{
			cwd: rig.directory,
			env: { PATH: process.env.PATH ?? "", HOME: "/nonexistent", BUN_CONFIG_MAX_HTTP_REQUESTS: "65535" },
			stdin: "ignore",
			stdout: "ignore",
			stderr: "pipe",
		},
	);
	await moment();
	child.kill("SIGKILL");
	const stderr = await new Response(child.stderr).text();
	await child.exited;
	return stderr.includes('"listening"');
}

export async function stopCleanly(gateway: GatewayProcess): Promise<void> {
	gateway.signal("SIGTERM");
	const code = await within("the exit", gateway.exited, 20_000);
	await gateway[Symbol.asyncDispose]();
	if (code !== 0) {
		throw new Error(`the gateway ended with ${code}: ${gateway.stderr().slice(-2_000)}`);
	}
}
