import { GatewayError } from "../lib/errors.ts";

/**
 * A write that an administrator waits for.
 * @param consequence What it means that the write failed, in words for the answer.
 * @throws GatewayError 503 when the database does not take the change.
 */
export async function saved<Result>(consequence: string, write: () => Promise<Result>): Promise<Result> {
	try {
		return await write();
	} catch (cause) {
		throw new GatewayError({
			status: 503,
			type: "service_unavailable",
			kind: "ledger_unavailable",
			code: "store_unavailable",
			message: `${consequence}: the gateway's database does not accept writes. Free disk space, then send this request again.`,
			cause,
		});
	}
}
