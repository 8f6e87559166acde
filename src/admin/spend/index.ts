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

/** CSV is given to whoever names it: no browser and no SDK does so by itself. */
function wantsCsv(accept: string | null): boolean {
	return (accept ?? "").split(",").some((range) => range.split(";", 1)[0]?.trim().toLowerCase() === "text/csv");
}
