import { beforeEach, describe, expect, test } from "bun:test";
import { type Authentication, authenticate } from "../../../src/gateway/authenticate.ts";
import { createKeyDirectory, type RunningKeyDirectory } from "../../../src/keys/directory.ts";
import { KEY_DEFAULTS } from "../../../src/keys/key-defaults.ts";
import { mintSecret } from "../../../src/keys/secret.ts";
import { GatewayError } from "../../../src/lib/errors.ts";
import { createAuthFailures } from "../../../src/limits/auth-failures.ts";
import { createSharedDatabase } from "../../support/shared-database.ts";
import { createFakeClock } from "../limits/fake-clock.ts";

const MASTER_KEY = "mk-0123456789abcdef";

/** `here` authenticates; `there` is another instance, whose changes are known here after `catchUp`. */
let database: ReturnType<typeof createSharedDatabase>;
let here: RunningKeyDirectory;
let there: RunningKeyDirectory;
let caughtUp: number;
let isDoubtful: boolean;
let alone: Authentication;
let authentication: Authentication;

beforeEach(async () => {
	const clock = createFakeClock();
	database = createSharedDatabase();
	const open = () => createKeyDirectory({ store: database.connect(), clock, flushMs: 2 ** 31 - 1 });
	[here, there] = [await open(), await open()];
	caughtUp = 0;
	isDoubtful = false;
	alone = { keys: here, failures: createAuthFailures(clock), isMasterKey: (token) => token === MASTER_KEY };
	authentication = {
		...alone,
		elsewhere: {
			async catchUp() {
				caughtUp += 1;
				await here.reload([...database.keys.keys()]);
			},
			isDoubtful: () => isDoubtful,
		},
	};
});

function ask(token: string, which = authentication, onKey?: () => void) {
	const headers = new Headers({ authorization: `Bearer ${token}` });
	return authenticate(headers, () => "192.0.2.1", which, onKey);
}

async function refusal(token: string, which?: Authentication): Promise<unknown> {
	try {
		await ask(token, which);
	} catch (error) {
		return error instanceof GatewayError ? [error.status, error.code] : error;
	}
	throw new Error("the token was accepted");
}

describe("a key that was made on another instance", () => {
	test("is accepted here at once", async () => {
		const { record, secret } = await there.create({ ...KEY_DEFAULTS, rpm: 3 });
		const accepted: number[] = [];
		expect(await ask(secret, authentication, () => accepted.push(caughtUp))).toEqual(record);
		expect(accepted).toEqual([1]);
		expect(ask(secret)).toEqual(record);
		expect(caughtUp).toBe(1);
	});

	test("and revoked there before it was ever used here is refused as what it is", async () => {
		const { record, secret } = await there.create(KEY_DEFAULTS);
		await there.revoke(record.id);
		expect(await refusal(secret)).toEqual([401, "key_revoked"]);
	});

	test("is unknown to a process that has its keys for itself, which asks nobody", async () => {
		const { secret } = await there.create(KEY_DEFAULTS);
		expect(() => ask(secret, alone)).toThrow("This is not a virtual key of this gateway");
	});
});

describe("nothing is waited for", () => {
	test("with a key that is known", async () => {
		const { record, secret } = await here.create(KEY_DEFAULTS);
		let isAccepted = false;
		const key = ask(secret, authentication, () => {
			isAccepted = true;
		});
		expect(key).toEqual(record);
		expect(isAccepted).toBe(true);
		expect(caughtUp).toBe(0);
	});

	test.each([
		["malformed", "sk-1234"],
		["of the right length with a wrong checksum", `gw_virt_${"0".repeat(47)}`],
		["the master key", MASTER_KEY],
	])("with one that is %s", (_, token) => {
		expect(() => ask(token)).toThrow(GatewayError);
		expect(caughtUp).toBe(0);
	});

	test.each([
		["revoked", (id: string) => here.revoke(id)],
		["disabled", (id: string) => here.update(id, { enabled: false })],
	])("with one that is known to be %s", async (_, act) => {
		const { record, secret } = await here.create(KEY_DEFAULTS);
		await act(record.id);
		expect(() => ask(secret)).toThrow(GatewayError);
		expect(caughtUp).toBe(0);
	});
});

describe("a wrong key", () => {
	test("gets the same 401 as in a single process", async () => {
		const secret = mintSecret();
		const [shared, single] = await Promise.all([
			Promise.resolve(ask(secret)).catch((error: unknown) => error),
			refusal(secret, alone),
		]);
		expect(shared).toMatchObject({ status: 401, code: "invalid_api_key" });
		expect(single).toEqual([401, "invalid_api_key"]);
	});

	test("counts as a failure, so that guessing is braked", async () => {
		for (let guess = 0; guess < 20; guess += 1) {
			expect(await refusal(mintSecret())).toEqual([401, "invalid_api_key"]);
		}
		expect(await refusal(mintSecret())).toEqual([429, "too_many_failures"]);
	});

	test("that is the master key is told so", async () => {
		expect(await refusal(MASTER_KEY)).toEqual([401, "virtual_key_required"]);
	});
});

describe("when nothing was heard of the others for too long, and such keys are to be denied", () => {
	test("a known key gets 503, and works again afterwards", async () => {
		const { record, secret } = await here.create(KEY_DEFAULTS);
		isDoubtful = true;
		let isAccepted = false;
		const asked = () =>
			ask(secret, authentication, () => {
				isAccepted = true;
			});
		expect(asked).toThrow(
			expect.objectContaining({ status: 503, type: "service_unavailable", code: "keys_stale", retryAfterSeconds: 2 }),
		);
		expect(isAccepted).toBe(false);
		isDoubtful = false;
		expect(asked()).toEqual(record);
	});

	test("an unknown one is still 401, and a revoked one still revoked", async () => {
		const { record, secret } = await here.create(KEY_DEFAULTS);
		await here.revoke(record.id);
		isDoubtful = true;
		expect(await refusal(mintSecret())).toEqual([401, "invalid_api_key"]);
		expect(await refusal(secret)).toEqual([401, "key_revoked"]);
		expect(await refusal("sk-1234")).toEqual([401, "invalid_api_key"]);
	});
});
