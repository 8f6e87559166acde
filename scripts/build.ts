import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";

/**
 * Compiles the gateway into one executable file.
 *
 *   bun scripts/build.ts                          dist/gateway-llm, for this machine
 *   bun scripts/build.ts --all                    dist/gateway-llm-TARGET for every target, and dist/SHA256SUMS
 *   bun scripts/build.ts --target linux-arm64     one of them (may be repeated)
 *
 * `--entry FILE` and `--out DIR` replace src/main.ts and dist/. Foreign targets fetch Bun's runtime from the npm
 * registry once and keep it in Bun's cache.
 */

const TARGETS = {
	"linux-x64": "bun-linux-x64",
	"linux-arm64": "bun-linux-arm64",
	"linux-x64-musl": "bun-linux-x64-musl",
	"linux-arm64-musl": "bun-linux-arm64-musl",
	"darwin-x64": "bun-darwin-x64",
	"darwin-arm64": "bun-darwin-arm64",
	"windows-x64": "bun-windows-x64",
} as const satisfies Record<string, Bun.Build.CompileTarget>;

type Target = keyof typeof TARGETS;

interface Job {
	readonly entry: string;
	readonly outfile: string;
	/** undefined: this machine's own. */
	readonly target: Target | undefined;
}

interface Options {
	readonly entry: string;
	readonly folder: string;
	/** undefined: one executable for this machine, without a suffix. */
	readonly targets: readonly Target[] | undefined;
}

const ROOT = join(import.meta.dir, "..");

function readOptions(args: readonly string[]): Options {
	let entry = join(ROOT, "src/main.ts");
	let folder = join(ROOT, "dist");
	let targets: Target[] | undefined;
	for (let index = 0; index < args.length; index += 1) {
		const name = args[index];
		if (name === "--all") {
			targets = targetNames();
			continue;
		}
		index += 1;
		const value = args[index];
		if (value === undefined) {
			throw new Error(`Unknown argument or missing value: ${name}`);
		}
		switch (name) {
			case "--entry":
				entry = value;
				break;
			case "--out":
				folder = value;
				break;
			case "--target":
				targets = [...(targets ?? []), readTarget(value)];
				break;
			default:
				throw new Error(`Unknown argument: ${name}`);
		}
	}
	return { entry, folder, targets };
}

function targetNames(): Target[] {
	// Object.keys widens to string[]; the object is a constant of this file, so its keys are exactly the targets.
	return Object.keys(TARGETS) as Target[];
}

function readTarget(name: string): Target {
	const target = targetNames().find((known) => known === name);
	if (target === undefined) {
		throw new Error(`Unknown target "${name}". Known: ${targetNames().join(", ")}`);
	}
	return target;
}

/** The commit the executable is made from, with `-dirty` when the tree differs; undefined outside a clone. */
function readCommit(): string | undefined {
	if (Bun.which("git") === null) {
		return undefined;
	}
	const head = Bun.spawnSync(["git", "rev-parse", "--short=12", "HEAD"], { cwd: ROOT, stderr: "ignore" });
	if (!head.success) {
		return undefined;
	}
	const status = Bun.spawnSync(["git", "status", "--porcelain"], { cwd: ROOT, stderr: "ignore" });
	return `${head.stdout.toString().trim()}${status.stdout.length > 0 ? "-dirty" : ""}`;
}

async function compile(job: Job, commit: string | undefined): Promise<void> {
	const startedAt = performance.now();
	const result = await Bun.build({
		entrypoints: [job.entry],
		// Elysia reads the source text of handlers to see what they use, so identifiers must keep their names.
		minify: { whitespace: true, syntax: true, identifiers: false },
		// Embedded in the executable: stack traces in the log name lines of the source.
		sourcemap: "linked",
		define: {
			...(commit === undefined ? {} : { BUILD_COMMIT: JSON.stringify(commit) }),
			"process.env.NODE_ENV": '"production"',
		},
		compile: {
			...(job.target === undefined ? {} : { target: TARGETS[job.target] }),
			outfile: job.outfile,
			// A stranger's .env or bunfig.toml in the working folder must neither set our environment nor preload code.
			autoloadDotenv: false,
			autoloadBunfig: false,
			autoloadTsconfig: false,
			autoloadPackageJson: false,
		},
	});
	const file = result.outputs.find((output) => output.kind === "entry-point");
	if (file === undefined) {
		throw new Error(`Nothing was written for ${job.target ?? "this machine"}`);
	}
	// Bun also leaves the source map beside the file; the embedded copy is the one that is read.
	await rm(`${job.outfile.replace(/\.exe$/, "")}.map`, { force: true });
	const megabytes = (Bun.file(file.path).size / 1e6).toFixed(0);
	const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
	console.log(`${file.path}  ${megabytes} MB  ${seconds} s`);
}

/** In the format of `sha256sum`, so that `sha256sum --check SHA256SUMS` verifies a download. */
async function writeChecksums(folder: string): Promise<void> {
	const names = (await readdir(folder)).filter((name) => name.startsWith("gateway-llm-"));
	const lines: string[] = [];
	for (const name of names.sort()) {
		const hasher = new Bun.CryptoHasher("sha256");
		for await (const chunk of Bun.file(join(folder, name)).stream()) {
			hasher.update(chunk);
		}
		lines.push(`${hasher.digest("hex")}  ${name}\n`);
	}
	await Bun.write(join(folder, "SHA256SUMS"), lines.join(""));
}

async function build(options: Options): Promise<void> {
	const commit = readCommit();
	await mkdir(options.folder, { recursive: true });
	if (options.targets === undefined) {
		await compile({ entry: options.entry, outfile: join(options.folder, "gateway-llm"), target: undefined }, commit);
		return;
	}
	for (const target of options.targets) {
		const outfile = join(options.folder, `gateway-llm-${target}${target.startsWith("windows") ? ".exe" : ""}`);
		await rm(outfile, { force: true });
		await compile({ entry: options.entry, outfile, target }, commit);
	}
	await writeChecksums(options.folder);
}

await build(readOptions(Bun.argv.slice(2)));
