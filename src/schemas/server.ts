import { z } from "zod";
import { durationSchema } from "./duration.ts";

const MEBIBYTE = 1_048_576;
const bytes = z
	.int()
	.min(1_024)
	.max(1_024 * MEBIBYTE);

export const serverSchema = z.strictObject({
	host: z
		.string()
		.regex(/^[A-Za-z0-9._:%-]{1,253}$/, "must be an address or host name to listen on, such as 127.0.0.1 or 0.0.0.0")
		.prefault("127.0.0.1")
		.describe("Address to listen on. `0.0.0.0` listens on all; put TLS in front then."),
	port: z.int().min(0).max(65_535).prefault(8080).describe("Port to listen on. 0 = any free port."),
	read_timeout: durationSchema.prefault("30s").describe("Longest silence of a client while its request is read."),
	write_timeout: durationSchema
		.prefault("120s")
		.describe("Longest time a client may take nothing of an answer that waits for it. Never cuts a stream that moves."),
	stream_idle_timeout: durationSchema
		.prefault("60s")
		.describe("Longest silence of a provider between two events of a stream."),
	graceful_shutdown_timeout: durationSchema
		.prefault("30s")
		.describe("How long requests in flight may go on after SIGTERM."),
	max_body_bytes: bytes.prefault(10 * MEBIBYTE).describe("Largest JSON body."),
	fetch_media: z
		.boolean()
		.prefault(true)
		.describe(
			"Fetch pictures and files that a request names by https address, for providers that take bytes only (AWS Bedrock). Public addresses only. `false`: such requests are refused.",
		),
	metrics: z
		.enum(["keyed", "open", "off"])
		.prefault("keyed")
		.describe(
			"`GET /metrics` for Prometheus: with the master key (`keyed`), for everybody who reaches the port (`open`), or not at all (`off`): [metrics.md](metrics.md).",
		),
	max_upload_bytes: bytes.prefault(32 * MEBIBYTE).describe("Largest multipart body (audio, images)."),
});
