import { Elysia } from "elysia";
import { readJson } from "../../http/body.ts";
import { methodNotAllowed } from "../../http/errors.ts";
import { createTeamService, type TeamServiceDeps } from "./service.ts";

/** `/admin/teams/:team`: limits of a whole team, above those of its keys. Authentication is the mounting group's. */
export function teamsController(deps: TeamServiceDeps) {
	const service = createTeamService(deps);
	return new Elysia({ name: "admin.teams", prefix: "/admin/teams" })
		.get("/:team", ({ params }) => service.inspect(params.team))
		.put("/:team", async ({ params, request }) => service.replace(params.team, await readJson(request)), {
			parse: "none",
		})
		.all("/:team", methodNotAllowed(["GET", "PUT"]), { parse: "none" });
}
