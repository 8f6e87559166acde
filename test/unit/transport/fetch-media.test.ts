import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { systemClock } from "../../../src/lib/clock.ts";
import { createDeadlines } from "../../../src/lib/deadlines.ts";
import { createFetchMedia, MEDIA_BOUNDS, type MediaBounds, SURROUNDINGS } from "../../../src/transport/fetch-media.ts";
import type { WantedMedia } from "../../../src/transport/media-download.ts";
import { MediaProblem } from "../../../src/transport/media-problem.ts";
import type { Surroundings } from "../../../src/transport/pinned-address.ts";
import { file, INSIDE, MEDIA_HOST, PDF, PNG, startMediaServer } from "../../support/media-server.ts";
import { until } from "../../support/wait.ts";

const server = await startMediaServer();
const { port, url, at, name } = server;
const NOBODY = new AbortController().signal;
const KIB = 1_024;

afterAll(() => server[Symbol.asyncDispose]());
afterEach(async () => {
	// Whatever a test was about: nothing of it is left open.
	await until("all connections to close", () => server.openConnections() === 0);
});

function fetching(bounds: Partial<MediaBounds> = {}, surroundings: Partial<Surroundings> = {}) {
	return createFetchMedia({
		deadlines: createDeadlines(systemClock),
		surroundings: { ...server.surroundings, ...surroundings },
		bounds: { ...MEDIA_BOUNDS, ...bounds },
	});
}

function image(address: string): WantedMedia {
	return { url: address, place: "image", name: undefined, times: 1 };
}

/** What became of one address: its type, or what was wrong. */
async function outcome(address: string, fetchMedia = fetching()): Promise<string> {
	try {
		const { media } = await fetchMedia([image(address)], NOBODY);
		return media[0]?.mediaType ?? "nothing";
	} catch (error) {
		if (error instanceof MediaProblem) {
			return error.fault;
		}
		throw error;
	}
}

function redirectTo(location: string, status = 302) {
	at("/redirect", (response) => {
		const ascii = location.replaceAll(/[^ -~]+/g, encodeURIComponent);
		response.writeHead(status, { location: ascii }).end("gone there");
	});
	return url("/redirect");
}

at("/picture.png", file("image/png", PNG));

describe("an address is fetched", () => {
	test("with nothing but a plain request in the server's name", async () => {
		const { media } = await fetching()([image(url("/picture.png"))], NOBODY);
		expect(media.map(({ mediaType, bytes }) => [mediaType, Buffer.from(bytes).equals(PNG)])).toEqual([
			["image/png", true],
		]);
		const { headers, serverName } = server.requests.at(-1) ?? {};
		expect(serverName).toBe(MEDIA_HOST);
		expect(headers).toEqual({
			host: `${MEDIA_HOST}:${port}`,
			"user-agent": "gateway-llm",
			accept: "image/*,application/pdf",
			"accept-encoding": "identity",
		});
	});

	test("in the order asked for, each with the path and query it has", async () => {
		at("/a?size=1&q=%20x", file("image/png", PNG));
		at("/b.pdf", file("application/pdf", PDF));
		const { media } = await fetching()(
			[image(url("/a?size=1&q=%20x#fragment")), { url: url("/b.pdf"), place: "file", name: undefined, times: 1 }],
			NOBODY,
		);
		expect(media.map(({ mediaType }) => mediaType)).toEqual(["image/png", "application/pdf"]);
	});

	test("from the next address of a name when one does not answer", async () => {
		name(MEDIA_HOST, () => ["127.0.0.3", "127.0.0.1"]);
		expect(await outcome(url("/picture.png"))).toBe("image/png");
		name(MEDIA_HOST, () => ["127.0.0.1"]);
	});

	test("past the proxy of the environment: the checked address is the one connected to", async () => {
		const before = process.env.HTTPS_PROXY;
		process.env.HTTPS_PROXY = "http://127.0.0.1:1";
		try {
			expect(await outcome(url("/picture.png"))).toBe("image/png");
		} finally {
			if (before === undefined) {
				delete process.env.HTTPS_PROXY;
			} else {
				process.env.HTTPS_PROXY = before;
			}
		}
	});
});

describe("the connection is to the address that was checked", () => {
	test("a name is resolved once, so an answer that changes in between changes nothing", async () => {
		const answers = [["127.0.0.1"], [INSIDE]];
		let asked = 0;
		name(MEDIA_HOST, () => {
			asked += 1;
			return answers.shift() ?? [INSIDE];
		});
		expect(await outcome(url("/picture.png"))).toBe("image/png");
		expect(asked).toBe(1);
		expect(await outcome(url("/picture.png"))).toBe("private");
		expect(asked).toBe(2);
		name(MEDIA_HOST, () => ["127.0.0.1"]);
	});

	test("the certificate must be for the name in the address, not for the number", async () => {
		name("other.example.com", () => ["127.0.0.1"]);
		const seen = server.requests.length;
		expect(await outcome(url("/picture.png", "other.example.com"))).toBe("tls");
		expect(server.requests.length).toBe(seen);
	});

	test("also right after a connection to the same number in another name", async () => {
		const fetchMedia = fetching();
		expect(await outcome(url("/picture.png"), fetchMedia)).toBe("image/png");
		expect(await outcome(url("/picture.png", "other.example.com"), fetchMedia)).toBe("tls");
	});

	test("the certificate must be one of a trusted authority, whatever the environment says", async () => {
		process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
		try {
			expect(await outcome(url("/picture.png"), fetching({}, { ca: undefined }))).toBe("tls");
		} finally {
			delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
		}
	});
});

describe("what is not public is not asked for", () => {
	test("one private address among public ones condemns a name", async () => {
		for (const addresses of [[INSIDE], ["127.0.0.1", INSIDE], [INSIDE, "127.0.0.1"], ["127.0.0.1", "::1"]]) {
			name("mixed.example.com", () => addresses);
			expect(await outcome(url("/picture.png", "mixed.example.com"))).toBe("private");
		}
	});

	test("a name that stands for nothing, or that nobody knows, is no address", async () => {
		name("empty.example.com", () => []);
		expect(await outcome(url("/", "empty.example.com"))).toBe("dns");
		expect(await outcome(url("/", "unknown.example.com"))).toBe("dns");
	});

	const PRIVATE = [
		"127.0.0.1",
		"127.1",
		"2130706433",
		"0x7f000001",
		"0x7f.1",
		"0177.0.0.1",
		"017700000001",
		"0",
		"0.0.0.0",
		"127.0.0.1.",
		"10.0.0.1",
		"172.16.0.1",
		"192.168.1.1",
		"100.64.0.1",
		"169.254.169.254",
		"0xa9fea9fe",
		"168.63.129.16",
		"192.0.0.192",
		"192.88.99.1",
		"198.18.0.1",
		"224.0.0.1",
		"255.255.255.255",
		"１２７.０.０.１",
		"127。0。0。1",
		"[::]",
		"[::1]",
		"[::127.0.0.1]",
		"[::ffff:127.0.0.1]",
		"[::ffff:7f00:1]",
		"[::ffff:0:127.0.0.1]",
		"[64:ff9b::127.0.0.1]",
		"[64:ff9b:1::a00:1]",
		"[2002:7f00:1::]",
		"[2001::1]",
		"[fc00::1]",
		"[fd00:ec2::254]",
		"[fe80::1]",
		"[fec0::1]",
		"[ff02::1]",
		"[100::1]",
		"[2001:db8::1]",
		"localhost",
		"LOCALHOST.",
		"api.localhost",
		"printer.local",
		"metadata.google.internal",
		"ollama",
		"db.models.svc",
		"router.home.arpa",
	];
	test.each(PRIVATE)("https://%s/ is refused and nobody is asked for it", async (host) => {
		const asked = server.resolved.length;
		const forbidden = fetching({}, { isPublic: SURROUNDINGS.isPublic });
		expect(await outcome(`https://${host}/picture.png`, forbidden)).toBe("private");
		expect(await outcome(redirectTo(`https://${host}/picture.png`))).toBe("private");
		expect(server.resolved.slice(asked)).toEqual([MEDIA_HOST]);
	});

	test.each(PRIVATE.filter((host) => /^[\d.]+$|^\[/.test(host)).map((host) => host.replaceAll(/[[\]]/g, "")))(
		"nor is a name that stands for %s",
		async (address) => {
			name("rebound.example.com", () => [address]);
			const real = fetching({}, { isPublic: SURROUNDINGS.isPublic });
			expect(await outcome(url("/picture.png", "rebound.example.com"), real)).toBe("private");
		},
	);

	test.each([
		`http://${MEDIA_HOST}/picture.png`,
		`ftp://${MEDIA_HOST}/picture.png`,
		"file:///etc/passwd",
		"s3://bucket/key",
		"data:image/png;base64,iVBORw0KGgo=",
		"javascript:alert(1)",
		"//media.example.com/picture.png",
		"picture.png",
		"",
		"https://",
		`https://user@${MEDIA_HOST}/`,
		`https://:secret@${MEDIA_HOST}/`,
		`https://${MEDIA_HOST}:80/`,
		`https://${MEDIA_HOST}:8443/`,
		`https://${MEDIA_HOST}:22/`,
		`https://${MEDIA_HOST}/${"a".repeat(8_192)}`,
	])("%.60s is no address to fetch from", async (address) => {
		expect(await outcome(address)).toBe("address");
	});
});

describe("redirects", () => {
	test.each([301, 302, 303, 307, 308])("%i is followed", async (status) => {
		expect(await outcome(redirectTo("/picture.png", status))).toBe("image/png");
	});

	test("three are followed, a fourth is not", async () => {
		for (const step of [1, 2, 3, 4]) {
			at(`/hop${step}`, (response) => {
				response.writeHead(302, { location: step === 1 ? "/picture.png" : `/hop${step - 1}` }).end();
			});
		}
		expect(await outcome(url("/hop3"))).toBe("image/png");
		expect(await outcome(url("/hop4"))).toBe("redirects");
	});

	test("each is checked from the start: name, scheme, port, user name, certificate", async () => {
		name("inside.example.com", () => [INSIDE]);
		const cases: readonly (readonly [string, string])[] = [
			[url("/picture.png", "inside.example.com"), "private"],
			["https://169.254.169.254/latest/meta-data/", "private"],
			[`http://${MEDIA_HOST}/picture.png`, "address"],
			[`https://${MEDIA_HOST}:8080/`, "address"],
			[`https://me@${MEDIA_HOST}:${port}/picture.png`, "address"],
			["file:///etc/passwd", "address"],
			[url("/picture.png", "other.example.com"), "tls"],
			[url("/nothing"), "status"],
		];
		for (const [location, fault] of cases) {
			expect([location, await outcome(redirectTo(location))]).toEqual([location, fault]);
		}
	});

	test("one without a target leads nowhere", async () => {
		at("/nowhere", (response) => {
			response.writeHead(302).end();
		});
		expect(await outcome(url("/nowhere"))).toBe("redirects");
	});

	test("cookies of one answer are not sent with the next request", async () => {
		at("/cookie", (response) => {
			response.writeHead(302, { location: "/picture.png", "set-cookie": "a=b" }).end();
		});
		expect(await outcome(url("/cookie"))).toBe("image/png");
		expect(server.requests.at(-1)?.headers.cookie).toBeUndefined();
	});
});

describe("bounds", () => {
	test.each([204, 206, 400, 401, 404, 500])("status %i is no file", async (status) => {
		at("/status", (response) => {
			response.writeHead(status, { "content-type": "image/png" }).end(status === 204 ? undefined : PNG);
		});
		expect(await outcome(url("/status"))).toBe("status");
	});

	test("a page is not a picture, and is not read", async () => {
		at("/page", file("text/html", "<p>Sign in</p>"));
		expect(await outcome(url("/page"))).toBe("type");
		at("/pretender.png", file("image/png", "<p>Sign in</p>"));
		expect(await outcome(url("/pretender.png"))).toBe("type");
		at("/empty.png", file("image/png", ""));
		expect(await outcome(url("/empty.png"))).toBe("type");
	});

	test("what is compressed all the same is refused: what it unpacks to is bounded by nothing", async () => {
		at("/bomb", (response) => {
			response
				.writeHead(200, { "content-type": "image/png", "content-encoding": "gzip" })
				.end(gzipSync(Buffer.alloc(1_000_000)));
		});
		expect(await outcome(url("/bomb"))).toBe("encoding");
	});

	test("a file too large is refused by its announcement, and without one as soon as it shows", async () => {
		const small = fetching({ bytesMax: 64 * KIB });
		at("/announced", (response) => {
			response.writeHead(200, { "content-type": "image/png", "content-length": String(1024 * KIB) }).flushHeaders();
		});
		expect(await outcome(url("/announced"), small)).toBe("size");
		at("/endless", (response) => {
			response.writeHead(200, { "content-type": "image/png" });
			const pump = () => {
				while (!response.destroyed && response.write(PNG)) {
					// As fast as it goes.
				}
			};
			response.on("drain", pump);
			pump();
		});
		expect(await outcome(url("/endless"), small)).toBe("size");
		at("/just", file("image/png", Buffer.concat([PNG], 64 * KIB)));
		expect(await outcome(url("/just"), small)).toBe("image/png");
	});

	test("all files of a request together are bounded, and their number", async () => {
		at("/half", file("image/png", Buffer.concat([PNG], 40 * KIB)));
		const bounded = fetching({ requestBytesMax: 64 * KIB, addressesMax: 3, requestPlaces: 1 });
		const halves = (count: number) => Array.from({ length: count }, () => image(url("/half")));
		const fault = (count: number) =>
			bounded(halves(count), NOBODY).then(
				() => "fine",
				({ fault: name, index }) => [name, index],
			);
		expect(await fault(1)).toBe("fine");
		expect(await fault(2)).toEqual(["total_size", 1]);
		expect(await fault(4)).toEqual(["too_many", 3]);
		// One that stands in two places is sent twice.
		const twice = { ...image(url("/half")), times: 2 };
		expect(await bounded([twice], NOBODY).catch(({ fault: name }) => name)).toBe("total_size");
	});

	test("what requests in flight hold is bounded, and given back once", async () => {
		const bounded = fetching({ heldBytesMax: 64 * KIB });
		const first = await bounded([image(url("/half"))], NOBODY);
		expect(await outcome(url("/half"), bounded)).toBe("busy");
		first.release();
		first.release();
		const second = await bounded([image(url("/half"))], NOBODY);
		expect(await outcome(url("/half"), bounded)).toBe("busy");
		second.release();
		// What failed holds nothing.
		expect(await outcome(url("/half"), bounded)).toBe("image/png");
	});
});

describe("time", () => {
	test.each([
		["says nothing", "/mute", () => undefined],
		[
			"stops in mid-file",
			"/stuck",
			(response: import("node:http").ServerResponse) => {
				response.writeHead(200, { "content-type": "image/png", "content-length": "1000" }).write(PNG);
			},
		],
	] as const)("a server that %s costs no more than the deadline", async (_what, path, answer) => {
		at(path, answer);
		expect(await outcome(url(path), fetching({ totalMs: 200 }))).toBe("timeout");
	});

	test("so does a resolver, whose place stays taken until it answers", async () => {
		const late = Promise.withResolvers<readonly string[]>();
		name("slow.example.com", () => late.promise);
		const one = fetching({ totalMs: 150, places: 1 });
		expect(await outcome(url("/picture.png", "slow.example.com"), one)).toBe("timeout");
		expect(await outcome(url("/picture.png"), one)).toBe("busy");
		late.resolve(["127.0.0.1"]);
		expect(await outcome(url("/picture.png"), one)).toBe("image/png");
	});

	test("a file that ends early is no file", async () => {
		at("/torn", (response) => {
			response
				.writeHead(200, { "content-type": "image/png", "content-length": "1000" })
				.write(PNG, () => response.destroy());
		});
		expect(await outcome(url("/torn"))).toBe("network");
	});

	test("a client that leaves ends everything that is under way", async () => {
		const controller = new AbortController();
		at("/mute", () => controller.abort());
		const rejected = fetching()([image(url("/mute")), image(url("/mute"))], controller.signal);
		expect(await rejected.catch(({ fault }) => fault)).toBe("left");
		expect(await fetching()([image(url("/picture.png"))], controller.signal).catch(({ fault }) => fault)).toBe("left");
	});

	test("the first that cannot be had ends the others, and is the one named", async () => {
		let gone = false;
		at("/mute", (_response, request) => {
			request.socket.on("close", () => {
				gone = true;
			});
		});
		const wanted = [image(url("/mute")), image(url("/missing")), image(url("/mute"))];
		const problem = await fetching()(wanted, NOBODY).catch((error: MediaProblem) => error);
		expect(problem).toMatchObject({ fault: "status", status: 404, index: 1 });
		await until("the other connection to close", () => gone);
	});

	test("no more at a time than there are places, for a request and for all", async () => {
		let [now, most] = [0, 0];
		at("/counted", (response) => {
			now += 1;
			most = Math.max(most, now);
			setTimeout(() => {
				now -= 1;
				response.writeHead(200, { "content-type": "image/png" }).end(PNG);
			}, 5);
		});
		const eight = Array.from({ length: 8 }, () => image(url("/counted")));
		await fetching({ requestPlaces: 2 })(eight, NOBODY);
		expect(most).toBe(2);
		most = 0;
		const three = fetching({ places: 3 });
		await Promise.all([three(eight, NOBODY), three(eight, NOBODY)]);
		expect(most).toBe(3);
	});
});
