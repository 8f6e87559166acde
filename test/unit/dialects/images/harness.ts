import type { Target } from "../../../../src/dialects/translation.ts";
import { GatewayError } from "../../../../src/lib/errors.ts";

export const TARGET: Target = {
	model: "painter-1",
	stream: false,
	outputTokensMax: 0,
	answerId: "01J",
	createdAtSeconds: 1_700_000_000,
};

export function refusal(act: () => unknown): { status: number; param: string | undefined; code: string | undefined } {
	try {
		act();
	} catch (error) {
		if (error instanceof GatewayError) {
			return { status: error.status, param: error.param, code: error.code };
		}
		throw error;
	}
	throw new Error("nothing was refused");
}
