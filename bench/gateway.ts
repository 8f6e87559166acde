import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ServerProcess, stop } from "./process.ts";

/** The gateway under test with everything on, and what the benchmark needs to use it. */
export interface GatewayProcess extends ServerProcess {
	/** A virtual key with all four limits set, far above what the benchmark reaches. */
	readonly key: string;
	/** Requests that the ledger knows of. */
	ledgerRequests(): Promise<number>;
}

const START_WITHIN_MS = 15_000;
const ALIAS = "bench";

/** Of what the benchmark runs: one alias in front of one provider. */
export function benchConfiguration(upstreamPort: number): string {
	const deployment = `
      - provider: openai_compatible
        model: bench-model
        base_url: http://127.0.0.1:${upstreamPort}/v1
        api_key: bench-provider-key
        allow_private: true
        price: { input_per_million: 0.15, output_per_million: 0.60 }`;
	// Two deployments, so that routing has something to choose from.
	return `
auth:
  master_key: \${GATEWAY_LLM_MASTER_KEY}
model_list:
  - model_alias: ${ALIAS}
    deployments:${deployment}${deployment}
router:
  strategy: round_robin
  retries: 2
`;
}

/** Waits for the log line that says where the gateway listens. Polled in a file: a pipe would keep this process busy all along. */
async function listeningPort(logFile: string, child: Bun.Subprocess): Promise<number> {
	const startedAtMs = performance.now();
	while (performance.now() - startedAtMs < START_WITHIN_MS && child.exitCode === null) {
		const url = /"event":"listening","url":"([^"]+)"/.exec(await Bun.file(logFile).text())?.[1];
		if (url !== undefined) {
			return Number(new URL(url).port);
		}
		await Bun.sleep(20);
	}
	throw new Error(`The gateway did not listen within ${START_WITHIN_MS} ms:\n${await Bun.file(logFile).text()}`);
}

async function callAdmin(base: string, masterKey: string, path: string, body?: unknown): Promise<unknown> {
	const response = await fetch(base + path, {
		method: body === undefined ? "GET" : "POST",
		headers: { authorization: `Bearer ${masterKey}`, "content-type": "application/json" },
		...(body === undefined ? {} : { body: JSON.stringify(body) }),
	});
	if (!response.ok) {
		throw new Error(`${path}: ${response.status} ${await response.text()}`);
	}
	return await response.json();
}

/**
 * @param command how the gateway is started: `[bun, src/main.ts]`, or a compiled binary.
 * @param configuration its master key is `${GATEWAY_LLM_MASTER_KEY}`.
 */
export async function startGateway(command: readonly string[], configuration: string): Promise<GatewayProcess> {
	const folder = await mkdtemp(join(tmpdir(), "gateway-bench-"));
	const masterKey = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("hex");
	const configFile = join(folder, "config.yaml");
	await Bun.write(configFile, configuration);
	const logFile = join(folder, "log");
	const child = Bun.spawn(
		[...command, "serve", "--config", configFile, "--port", "0", "--data", join(folder, "data")],
		{
			cwd: folder,
			env: { PATH: process.env.PATH ?? "", GATEWAY_LLM_MASTER_KEY: masterKey },
			stdout: "ignore",
			stderr: Bun.file(logFile),
		},
	);
	const dispose = async () => {
		await stop(child);
		await rm(folder, { recursive: true, force: true });
	};
	try {
		const port = await listeningPort(logFile, child);
		const base = `http://127.0.0.1:${port}`;
		const limits = { rpm: 100_000_000, tpm: 1_000_000_000, max_parallel_requests: 100_000 };
		const settings = { name: "bench", monthly_budget_usd: 1_000_000, ...limits };
		// The admin API's own answer: `key` is there on creation, `total.requests` in every spend report.
		const created = (await callAdmin(base, masterKey, "/admin/keys", settings)) as { key: string };
		return {
			port,
			processId: child.pid,
			key: created.key,
			async ledgerRequests() {
				const spend = (await callAdmin(base, masterKey, "/admin/spend")) as { total: { requests: number } };
				return spend.total.requests;
			},
			[Symbol.asyncDispose]: dispose,
		};
	} catch (error) {
		await dispose();
		throw error;
	}
}
