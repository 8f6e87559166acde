import { readFileSync } from "node:fs";
import type { AwsKeys, Provider, ServiceAccount } from "../providers/types.ts";
import { secretSchema } from "../schemas/text.ts";
import { readBaseUrl } from "./base-url.ts";
import type { Path, Report } from "./problem.ts";
import type { LocatedDeployment } from "./routes.ts";
import type { Environment } from "./substitute.ts";

/** Where a cloud serves a deployment, and the account it is used by. */
export interface CloudAccount {
	readonly region: string | undefined;
	readonly project: string | undefined;
	readonly location: string | undefined;
	readonly aws: AwsKeys | undefined;
	readonly serviceAccount: ServiceAccount | undefined;
}

interface AccountContext {
	readonly environment: Environment;
	readonly report: Report;
}

/** Credentials are read once, at load; what the file leaves out is where each cloud's own tools look for it. */
const VARIABLES = {
	region: ["AWS_REGION", "AWS_DEFAULT_REGION"],
	accessKeyId: "AWS_ACCESS_KEY_ID",
	secretAccessKey: "AWS_SECRET_ACCESS_KEY",
	sessionToken: "AWS_SESSION_TOKEN",
	project: "GOOGLE_CLOUD_PROJECT",
	location: "GOOGLE_CLOUD_LOCATION",
	credentialsFile: "GOOGLE_APPLICATION_CREDENTIALS",
} as const;

/** Vertex AI's own name for "wherever there is room". */
const LOCATION_DEFAULT = "global";
const TOKEN_URI_DEFAULT = "https://oauth2.googleapis.com/token";
/** Names of regions and projects become part of an address. */
const PLACE_NAME = /^[a-z0-9][a-z0-9.:_-]*$/i;

/** Reads region, project and account of a deployment. Reports what its provider needs and has not been given. */
export function readAccount(
	located: LocatedDeployment,
	provider: Provider,
	hasKey: boolean,
	context: AccountContext,
): CloudAccount {
	const account = findAccount(located, provider, hasKey, context);
	checkPlaces(account, located, context.report);
	return account;
}

function findAccount(
	located: LocatedDeployment,
	provider: Provider,
	hasKey: boolean,
	context: AccountContext,
): CloudAccount {
	const { file, path } = located;
	const none: CloudAccount = {
		region: file.region,
		project: file.project,
		location: file.location,
		aws: undefined,
		serviceAccount: undefined,
	};
	switch (provider.account) {
		case undefined:
			return none;
		case "aws": {
			const region = file.region ?? firstOf(context.environment, VARIABLES.region);
			if (region === undefined) {
				context.report({
					path,
					message: `provider ${JSON.stringify(provider.id)} needs a region: set region, or AWS_REGION`,
				});
			}
			return { ...none, region, aws: hasKey ? undefined : readAwsKeys(located, context) };
		}
		case "google": {
			const google = hasKey ? undefined : readServiceAccount(located, context);
			const project = file.project ?? variable(context.environment, VARIABLES.project) ?? google?.project;
			if (project === undefined) {
				context.report({
					path,
					message: `provider ${JSON.stringify(provider.id)} needs a project: set project, or GOOGLE_CLOUD_PROJECT`,
				});
			}
			const location = file.location ?? variable(context.environment, VARIABLES.location) ?? LOCATION_DEFAULT;
			return { ...none, project, location, serviceAccount: google?.account };
		}
		default:
			provider.account satisfies never;
			return none;
	}
}

/** Wherever they come from: the environment may hold a slip as well. */
function checkPlaces(account: CloudAccount, { file, path }: LocatedDeployment, report: Report): void {
	for (const key of ["region", "project", "location"] as const) {
		const value = account[key];
		if (value === undefined || PLACE_NAME.test(value)) {
			continue;
		}
		const rule = "must be a name such as europe-west4: letters, digits and hyphens";
		const isOfFile = file[key] !== undefined;
		report({ path: isOfFile ? [...path, key] : path, message: isOfFile ? rule : `${key} (not set here) ${rule}` });
	}
}

function readAwsKeys({ file, path }: LocatedDeployment, { environment, report }: AccountContext): AwsKeys | undefined {
	const accessKeyId = file.aws_access_key_id ?? variable(environment, VARIABLES.accessKeyId);
	const secretAccessKey = file.aws_secret_access_key ?? variable(environment, VARIABLES.secretAccessKey);
	if (accessKeyId === undefined || secretAccessKey === undefined) {
		report({
			path,
			message:
				"needs credentials: set api_key_env to a Bedrock API key (AWS_BEARER_TOKEN_BEDROCK), or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
		});
		return undefined;
	}
	const isOwn = file.aws_access_key_id !== undefined;
	const sessionToken = file.aws_session_token ?? (isOwn ? undefined : variable(environment, VARIABLES.sessionToken));
	for (const value of [accessKeyId, secretAccessKey, sessionToken]) {
		if (value !== undefined && !secretSchema.safeParse(value).success) {
			report({ path, message: "AWS credentials must be printable ASCII without spaces" });
		}
	}
	return { accessKeyId, secretAccessKey, sessionToken };
}

function readServiceAccount(
	{ file, path }: LocatedDeployment,
	{ environment, report }: AccountContext,
): { readonly account: ServiceAccount; readonly project: string | undefined } | undefined {
	const fileName = file.credentials_file ?? variable(environment, VARIABLES.credentialsFile);
	const at: Path = file.credentials_file === undefined ? path : [...path, "credentials_file"];
	if (fileName === undefined) {
		const message =
			"needs credentials: set credentials_file (or GOOGLE_APPLICATION_CREDENTIALS) to a service account's JSON file";
		report({ path: at, message });
		return undefined;
	}
	const read = readAccountFile(fileName);
	if ("problem" in read) {
		report({ path: at, message: read.problem });
		return undefined;
	}
	const address = readBaseUrl(read.account.tokenUri, { privateAllowed: file.allow_private });
	if ("problem" in address) {
		report({ path: at, message: `token_uri ${address.problem}` });
		return undefined;
	}
	return read;
}

function readAccountFile(
	fileName: string,
): { readonly account: ServiceAccount; readonly project: string | undefined } | { readonly problem: string } {
	let content: unknown;
	try {
		content = JSON.parse(readFileSync(fileName, "utf8"));
	} catch (error) {
		const unreadable = error instanceof Error && "code" in error;
		return { problem: unreadable ? `cannot be read (${String(error.code)})` : "is not a JSON file" };
	}
	const text = (key: string): string | undefined => {
		const value: unknown = typeof content === "object" && content !== null ? Reflect.get(content, key) : undefined;
		return typeof value === "string" && value !== "" ? value : undefined;
	};
	const clientEmail = text("client_email");
	const privateKey = text("private_key");
	if (clientEmail === undefined || privateKey === undefined) {
		return { problem: "is not the key file of a service account: it has no client_email or private_key" };
	}
	const account = {
		clientEmail,
		privateKey,
		privateKeyId: text("private_key_id"),
		tokenUri: text("token_uri") ?? TOKEN_URI_DEFAULT,
	};
	return { account, project: text("project_id") };
}

function variable(environment: Environment, name: string): string | undefined {
	return environment[name] || undefined;
}

function firstOf(environment: Environment, names: readonly string[]): string | undefined {
	return names.map((name) => variable(environment, name)).find((value) => value !== undefined);
}
