import { Elysia } from "elysia";
import { methodNotAllowed } from "../../http/errors.ts";
import { parseQuery } from "../input.ts";
import { spendCsv } from "./csv.ts";
import { spendQuerySchema } from "./schema.ts";
import { createSpendService, type SpendServiceDeps } from "./service.ts";

/** `/admin/spend`: what was spent by key, team, model, provider and day; JSON, or CSV by `Accept: text/csv`. */
export function spendController(deps: SpendServiceDeps) {
	const report = createSpendService(deps);
	return new Elysia({ name: "admin.spend", prefix: "/admin/spend" })
		.all("", methodNotAllowed(["GET"]), { parse: "none" })
		.get("", async ({ request, set }) => {
			const spend = await report(parseQuery(spendQuerySchema, request));
			set.headers.vary = "accept";
			if (!wantsCsv(request.headers.get("accept"))) {
				return spend;
			}
			set.headers["content-type"] = "text/csv; charset=utf-8";
			set.headers["content-disposition"] = 'attachment; filename="spend.csv"';
			return spendCsv(spend);
		});
}

/** CSV is given to whoever names it and does not prefer JSON: no browser and no SDK names it by itself. */
function wantsCsv(accept: string | null): boolean {
	const qualities = acceptedQualities(accept ?? "");
	const csv = qualities.get("text/csv") ?? 0;
	const json = qualities.get("application/json") ?? qualities.get("application/*") ?? qualities.get("*/*") ?? 0;
	return csv > 0 && csv >= json;
}

/** From 0 to 1 by media range; NaN where the header makes no sense. */
function acceptedQualities(accept: string): ReadonlyMap<string, number> {
	return new Map(
		accept.split(",").map((entry) => {
			const [range = "", ...parameters] = entry.split(";").map((part) => part.trim().toLowerCase());
			const quality = parameters.find((parameter) => parameter.startsWith("q="));
			return [range, quality === undefined ? 1 : Number(quality.slice(2))];
		}),
	);
}
