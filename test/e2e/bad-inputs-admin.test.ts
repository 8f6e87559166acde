import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type BadInputRig, expectErrorShape, startBadInputRig } from "../support/bad-input.ts";
import { type Answer, chatBody } from "../support/gateway-client.ts";
import { requestBytes, sendRaw } from "../support/raw.ts";

/* RELIABILITY §4, "Admin" and "Multipart": B106–B117. */
let rig: BadInputRig;
beforeAll(async () => {
	rig = await startBadInputRig({});
});
afterAll(async () => {
	await rig?.[Symbol.asyncDispose]();
});

function expectRefused(answer: Answer, status: number | readonly number[]): void {
	const told = `${answer.status} ${answer.text.slice(0, 300)}`;
	expect({ told, ok: [status].flat().includes(answer.status) }).toEqual({ told, ok: true });
	if (answer.status >= 400) {
		expectErrorShape(answer.text, (name) => answer.headers.get(name) ?? undefined);
	}
}

interface AdminInput {
	readonly id: string;
	readonly call: readonly [method: string, path: string, body?: unknown];
	readonly status: number | readonly number[];
}

const create = (
	fields: Readonly<Record<string, unknown>>,
	status: AdminInput["status"] = 400,
	id = "B106",
): AdminInput => ({
	id,
	call: ["POST", "/keys", { name: "x", ...fields }],
	status,
});

const inputs: readonly AdminInput[] = [
	...[-1, "five", 1e308, true, [], "1e5", "-1"].map((value) => create({ monthly_budget_usd: value })),
	...["rpm", "tpm", "max_parallel_requests"].flatMap((name) =>
		[0, -1, 1.5, "7", true, 2 ** 60].map((value) => create({ [name]: value })),
	),
	create({ models: "gpt-4o" }),
	create({ models: [7] }),
	create({ models: ["no such alias"] }, [200, 201, 400]),
	create({ router: { force_strategy: "sideways" } }),
	create({ metadata: "text" }),
	create({ enabled: "yes" }),
	...["spend", "id", "hash", "key", "created_at", "key_hint", "frobnicate"].map((name) =>
		create({ [name]: "x" }, 400, "B107"),
	),
	create({ name: "n".repeat(1_000_000) }, 400, "B108"),
	create({ name: "a\u0000b" }, [201, 200, 400], "B108"),
	create({ name: "<script>alert(1)</script>\u202E" }, [201, 200, 400], "B108"),
	create({ expires_at: "2001-01-01T00:00:00Z" }, 400, "B109"),
	create({ expires_at: "+275761-01-01T00:00:00Z" }, 400, "B109"),
	create({ expires_at: "1 fortnight" }, 400, "B110"),
	create({ expires_at: 7 }, 400, "B110"),
	{ id: "B112", call: ["POST", "/deployments/disable", { id: "dep_NOPE" }], status: 404 },
	{ id: "B112", call: ["POST", "/deployments/disable", { model_alias: "x", provider: "y", model: "z" }], status: 404 },
	{ id: "B112", call: ["POST", "/deployments/disable", {}], status: 400 },
	{ id: "B112", call: ["POST", "/deployments/enable", { id: 7 }], status: 400 },
	{ id: "B113", call: ["GET", "/spend?from=2026-02-01&to=2026-01-01"], status: 400 },
	{ id: "B113", call: ["GET", "/spend?from=0001-01-01&to=9999-01-01"], status: [200, 400] },
	{ id: "B113", call: ["GET", "/spend?from=yesterday"], status: 400 },
	{ id: "B113", call: ["GET", "/spend?group_by=%3Bdrop"], status: 400 },
	{ id: "B113", call: ["GET", "/spend?group_by=key,key"], status: [200, 400] },
	{ id: "B114", call: ["GET", "/keys?limit=1000000000"], status: 400 },
	{ id: "B114", call: ["GET", "/keys?limit=0"], status: 400 },
	{ id: "B114", call: ["GET", "/keys?limit=ten"], status: 400 },
	{ id: "B114", call: ["GET", "/keys?after=garbage"], status: [200, 400] },
	{ id: "B114", call: ["GET", "/keys?team=%25_%25_%25"], status: 200 },
	{ id: "B114", call: ["GET", "/keys?name=%27%20OR%201%3D1--"], status: 200 },
	{ id: "B114", call: ["GET", "/keys/vk_01HZ0000000000000000000000"], status: 404 },
	{ id: "B114", call: ["PATCH", "/keys/vk_01HZ0000000000000000000000", { name: "x" }], status: 404 },
	{ id: "B114", call: ["DELETE", "/keys/%00"], status: [400, 404] },
	{ id: "B84", call: ["GET", "/nothing"], status: 404 },
	{ id: "B80", call: ["PUT", "/keys", {}], status: 405 },
];

describe("the admin API", () => {
	test.each(inputs.map((input) => ({ ...input, what: JSON.stringify(input.call).slice(0, 90) })))(
		"$id $what",
		async ({ call, status }) => {
			expectRefused(await rig.gateway.admin(...call), status);
		},
	);

	test.each(["id", "hash", "key", "created_at", "last_used_at", "key_hint", "spend", "frobnicate"])(
		"B107: PATCH refuses %s",
		async (name) => {
			const { id } = await rig.gateway.mint();
			expectRefused(await rig.gateway.admin("PATCH", `/keys/${id}`, { [name]: "x" }), 400);
		},
	);

	test("B107: PATCH with null clears a limit, and leaves the others", async () => {
		const { id } = await rig.gateway.mint({ rpm: 5, tpm: 7 });
		expectRefused(await rig.gateway.admin("PATCH", `/keys/${id}`, { rpm: null }), 200);
		const { rpm, tpm } = (await rig.gateway.admin("GET", `/keys/${id}`)).json<{ rpm: unknown; tpm: unknown }>();
		expect({ rpm: rpm ?? null, tpm }).toEqual({ rpm: null, tpm: 7 });
	});

	test("B111: the second DELETE is 404", async () => {
		const { id } = await rig.gateway.mint();
		const first = await rig.gateway.admin("DELETE", `/keys/${id}`);
		expect([200, 204]).toContain(first.status);
		expectRefused(await rig.gateway.admin("DELETE", `/keys/${id}`), 404);
	});

	test("B115: concurrent PATCHes of different fields are all kept", async () => {
		const { id } = await rig.gateway.mint();
		const patches = [{ rpm: 11 }, { tpm: 12 }, { max_parallel_requests: 13 }, { team: "t" }, { metadata: { a: 1 } }];
		await Promise.all(patches.map((patch) => rig.gateway.admin("PATCH", `/keys/${id}`, patch)));
		const key = (await rig.gateway.admin("GET", `/keys/${id}`)).json();
		expect(key).toMatchObject(Object.assign({}, ...patches));
	});

	test("B116: a cookie and a foreign origin open nothing", async () => {
		const response = await fetch(`${rig.gateway.url}/admin/keys`, {
			method: "POST",
			headers: {
				cookie: `session=${rig.gateway.masterKey}`,
				origin: "https://evil.test",
				"content-type": "application/json",
			},
			body: "{}",
		});
		expect([401, 403]).toContain(response.status);
		expect(response.headers.get("access-control-allow-origin")).toBeNull();
	});

	test("no secret and no hash in any answer about keys", async () => {
		const { key, id } = await rig.gateway.mint();
		for (const path of ["/keys", `/keys/${id}`]) {
			const { text } = await rig.gateway.admin("GET", path);
			expect(text).not.toContain(key);
			expect(text).not.toMatch(/[0-9a-f]{64}|"hash"/);
		}
	});
});

const BOUNDARY = "----frontier";

function part(disposition: string, content: string, headers = ""): string {
	return `--${BOUNDARY}\r\nContent-Disposition: form-data; ${disposition}\r\n${headers}\r\n${content}\r\n`;
}

const MODEL_PART = part('name="model"', "gpt-4o");
const FILE_PART = part('name="file"; filename="a.wav"', "RIFF", "Content-Type: audio/wav\r\n");
const END = `--${BOUNDARY}--\r\n`;

interface Upload {
	readonly what: string;
	readonly body: string;
	readonly contentType?: string;
	readonly status: number | readonly number[];
}

const uploads: readonly Upload[] = [
	{ what: "no boundary", body: MODEL_PART + FILE_PART + END, contentType: "multipart/form-data", status: 400 },
	{
		what: "another boundary",
		body: MODEL_PART + FILE_PART + END,
		contentType: "multipart/form-data; boundary=other",
		status: 400,
	},
	{ what: "a cut part", body: MODEL_PART + FILE_PART.slice(0, 60), status: 400 },
	{ what: "no end", body: MODEL_PART + FILE_PART, status: 400 },
	{ what: "10,000 parts", body: part('name="x"', "1").repeat(10_000) + MODEL_PART + FILE_PART + END, status: 400 },
	{ what: "no file", body: MODEL_PART + END, status: 400 },
	{ what: "no model", body: FILE_PART + END, status: 400 },
	{ what: "an empty body", body: "", status: 400 },
	{ what: "an empty file", body: MODEL_PART + part('name="file"; filename="a.wav"', "") + END, status: [200, 400] },
	{ what: "two files", body: MODEL_PART + FILE_PART + FILE_PART + END, status: [200, 400] },
	{ what: "two models", body: MODEL_PART + part('name="model"', "other") + FILE_PART + END, status: 400 },
	{
		what: "a filename that climbs",
		body: MODEL_PART + part('name="file"; filename="../../x"', "RIFF") + END,
		status: [200, 400],
	},
	{
		what: "a filename with NUL",
		body: MODEL_PART + part('name="file"; filename="a\0b"', "RIFF") + END,
		status: [200, 400],
	},
	{
		what: "a part header of 64 KB",
		body: MODEL_PART + part('name="file"; filename="a"', "RIFF", `X-Big: ${"b".repeat(65_536)}\r\n`) + END,
		status: [400, 413],
	},
	{ what: "an unknown alias", body: part('name="model"', "nope") + FILE_PART + END, status: 404 },
	{ what: "JSON instead", body: JSON.stringify(chatBody("gpt-4o")), contentType: "application/json", status: 415 },
	{ what: "a good upload", body: MODEL_PART + FILE_PART + END, status: 200 },
];

describe("B117: multipart", () => {
	test.each([...uploads])("$what", async ({ body, contentType, status }) => {
		const before = rig.upstream.requests.length;
		const { response, timedOut } = await sendRaw(
			rig.gateway.url,
			requestBytes({
				method: "POST",
				target: "/v1/audio/transcriptions",
				headers: {
					Authorization: `Bearer ${rig.key}`,
					"Content-Type": contentType ?? `multipart/form-data; boundary=${BOUNDARY}`,
				},
				body: Buffer.from(body, "latin1"),
			}),
		);
		const told = `${response?.status} ${response?.text().slice(0, 300)}`;
		expect({ told, timedOut, ok: [status].flat().includes(response?.status ?? 0) }).toEqual({
			told,
			timedOut: false,
			ok: true,
		});
		if (response !== undefined && response.status >= 400) {
			expectErrorShape(response.text(), (name) => response.header(name));
			expect(rig.upstream.requests.length).toBe(before);
		} else {
			expect(rig.upstream.requests.at(-1)?.text()).toContain("gpt-4o-mini");
		}
	});

	const MEBIBYTE = 1024 * 1024;
	const upload = (bytes: number, model = "gpt-4o") => {
		const form = new FormData();
		form.set("model", model);
		form.set("file", new File([new Uint8Array(bytes)], "big.wav", { type: "audio/wav" }));
		return fetch(`${rig.gateway.url}/v1/audio/transcriptions`, {
			method: "POST",
			headers: { authorization: `Bearer ${rig.key}` },
			body: form,
		});
	};

	test.each([33, 40])("a file of %d MiB is 413, in the gateway's own words", async (mebibytes) => {
		const response = await upload(mebibytes * MEBIBYTE);
		expect(response.status).toBe(413);
		expectErrorShape(await response.text(), (name) => response.headers.get(name) ?? undefined);
	});

	test("a file of 24 MiB, which OpenAI takes, reaches a model with a small context", async () => {
		const response = await upload(24 * MEBIBYTE, "listen");
		expect({ status: response.status, text: await response.text() }).toMatchObject({ status: 200 });
	});

	test("the bytes of a file arrive unchanged", async () => {
		const bytes = crypto.getRandomValues(new Uint8Array(50_000));
		const form = new FormData();
		form.set("model", "gpt-4o");
		form.set("file", new File([bytes], 'ünïcode "quoted".wav', { type: "audio/wav" }));
		form.set("prompt", "grüße");
		const response = await fetch(`${rig.gateway.url}/v1/audio/transcriptions`, {
			method: "POST",
			headers: { authorization: `Bearer ${rig.key}` },
			body: form,
		});
		expect(response.status).toBe(200);
		const received = rig.upstream.requests.at(-1);
		expect(received?.body.includes(Buffer.from(bytes))).toBe(true);
		expect(received?.text()).toContain("grüße");
	});
});
