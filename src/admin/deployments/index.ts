import { Elysia } from "elysia";
import { readJson } from "../../http/body.ts";
import { methodNotAllowed } from "../../http/errors.ts";
import { createDeploymentService, type DeploymentServiceDeps } from "./service.ts";

/** `/admin/deployments`: what is configured and how it is doing; out of rotation and back. */
export function deploymentsController(deps: DeploymentServiceDeps) {
	const service = createDeploymentService(deps);
	return new Elysia({ name: "admin.deployments", prefix: "/admin/deployments" })
		.get("", () => service.list())
		.post("/disable", async ({ request }) => service.setEnabled(await readJson(request), false), { parse: "none" })
		.post("/enable", async ({ request }) => service.setEnabled(await readJson(request), true), { parse: "none" })
		.all("", methodNotAllowed(["GET"]), { parse: "none" })
		.all("/disable", methodNotAllowed(["POST"]), { parse: "none" })
		.all("/enable", methodNotAllowed(["POST"]), { parse: "none" });
}
