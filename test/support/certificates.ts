import { generateKeyPairSync, randomBytes, sign } from "node:crypto";

/** A server's identity, as PEM. It vouches for itself: whoever trusts `cert` trusts this server and no other. */
export interface Identity {
	readonly key: string;
	readonly cert: string;
}

const ECDSA_SHA256 = "2a8648ce3d040302";
const COMMON_NAME = "550403";
const SUBJECT_ALT_NAME = "551d11";
const DAY_MS = 86_400_000;

/** Makes a key and a certificate for these host names, so that none has to be kept and none runs out. */
export function makeIdentity(...hosts: readonly string[]): Identity {
	const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
	const algorithm = sequence(oid(ECDSA_SHA256));
	const name = sequence(der(0x31, sequence(oid(COMMON_NAME), der(0x0c, Buffer.from(hosts[0] ?? "")))));
	const names = sequence(...hosts.map((host) => der(0x82, Buffer.from(host))));
	const body = sequence(
		der(0xa0, integer(Buffer.of(2))),
		integer(Buffer.concat([Buffer.of(1), randomBytes(8)])),
		algorithm,
		name,
		sequence(time(Date.now() - DAY_MS), time(Date.now() + DAY_MS)),
		name,
		publicKey.export({ type: "spki", format: "der" }),
		der(0xa3, sequence(sequence(oid(SUBJECT_ALT_NAME), der(0x04, names)))),
	);
	const signature = der(0x03, Buffer.concat([Buffer.of(0), sign("sha256", body, privateKey)]));
	const encoded = sequence(body, algorithm, signature).toString("base64").replaceAll(/.{64}/g, "$&\n");
	return {
		key: String(privateKey.export({ type: "pkcs8", format: "pem" })),
		cert: `-----BEGIN CERTIFICATE-----\n${encoded.trim()}\n-----END CERTIFICATE-----\n`,
	};
}

/** Tag, length, value. @see https://www.itu.int/rec/T-REC-X.690 */
function der(tag: number, value: Buffer): Buffer {
	const size = value.length;
	const length =
		size < 0x80 ? Buffer.of(size) : size < 0x100 ? Buffer.of(0x81, size) : Buffer.of(0x82, size >> 8, size & 0xff);
	return Buffer.concat([Buffer.of(tag), length, value]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
	return der(0x30, Buffer.concat(parts));
}

function oid(hex: string): Buffer {
	return der(0x06, Buffer.from(hex, "hex"));
}

function integer(value: Buffer): Buffer {
	return der(0x02, value);
}

function time(atMs: number): Buffer {
	const text = new Date(atMs).toISOString().replaceAll(/[-:T]|\.\d+/g, "");
	return der(0x18, Buffer.from(text));
}
