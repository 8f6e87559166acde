import { admin, json, pathId, query } from "./admin-operation.ts";
import { type DocumentNode, errorRefs } from "./components.ts";

const KEYS = "Virtual keys";
const TEAMS = "Teams";
const DEPLOYMENTS = "Deployments";
const SPEND = "Spend and requests";

function keyPaths(): DocumentNode {
	const key = pathId("`vk_…`");
	return {
		"/admin/keys": {
			post: admin({
				operationId: "createKey",
				summary: "Create a virtual key",
				description: "The answer holds the secret in `key`, this once. Every field is optional.",
				tag: KEYS,
				body: "KeyCreate",
				status: 201,
				headers: ["Location"],
				content: json("CreatedKey"),
			}),
			get: admin({
				operationId: "listKeys",
				summary: "List virtual keys",
				description: "Newest first; revoked keys are left out.",
				tag: KEYS,
				parameters: [
					query("after", "`next_after` of the page before."),
					query("limit", "Page size.", { type: "integer", minimum: 1, maximum: 1_000, default: 100 }),
					query("team", "Only keys of this team."),
					query("name", "Only keys of this name."),
				],
				content: json("KeyList"),
			}),
		},
		"/admin/keys/{id}": {
			get: admin({
				operationId: "getKey",
				summary: "Inspect a key and its current usage",
				tag: KEYS,
				parameters: [key],
				content: json("KeyDetail"),
				errors: [404],
			}),
			patch: admin({
				operationId: "updateKey",
				summary: "Update limits, models, budget",
				description:
					"Only the named fields change, and null clears one. Of concurrent changes to one field the last wins. " +
					"In force for the next request; a key that gets disabled also loses its running streams.",
				tag: KEYS,
				body: "KeyUpdate",
				parameters: [key],
				content: json("Key"),
				errors: [404],
			}),
			delete: admin({
				operationId: "revokeKey",
				summary: "Revoke immediately",
				description: "The first request after the answer is refused; streams in flight are cut within a second.",
				tag: KEYS,
				parameters: [key],
				content: json("KeyDeleted"),
				errors: [404],
			}),
		},
	};
}

function teamPaths(): DocumentNode {
	const team = {
		name: "team",
		in: "path",
		required: true,
		description: "The name that the team's keys bear, percent-encoded.",
		schema: { type: "string" },
	};
	return {
		"/admin/teams/{team}": {
			get: admin({
				operationId: "getTeam",
				summary: "A team's limits and current usage",
				tag: TEAMS,
				parameters: [team],
				content: json("Team"),
				errors: [404],
			}),
			put: admin({
				operationId: "setTeam",
				summary: "Set a team's limits, above those of its keys",
				description:
					"Replaces all that was set here before, and wins over `team_budgets` of config.yaml limit by limit: a number " +
					"is the limit, null lifts it, a field left out is the file's again. In force for the next request.",
				tag: TEAMS,
				body: "TeamLimits",
				parameters: [team],
				content: json("Team"),
			}),
		},
	};
}

function deploymentPaths(): DocumentNode {
	const change = (operationId: string, summary: string): DocumentNode => ({
		post: admin({
			operationId,
			summary,
			description: "Survives restarts. A triple applies to every deployment that matches it.",
			tag: DEPLOYMENTS,
			body: "DeploymentSelector",
			content: json("DeploymentChange"),
			errors: [404],
		}),
	});
	return {
		"/admin/deployments": {
			get: admin({
				operationId: "listDeployments",
				summary: "List configured deployments",
				tag: DEPLOYMENTS,
				content: json("DeploymentList"),
			}),
		},
		"/admin/deployments/disable": change("disableDeployment", "Take a deployment out of rotation"),
		"/admin/deployments/enable": change("enableDeployment", "Put a deployment back in rotation"),
	};
}

function spendPaths(): DocumentNode {
	return {
		"/admin/spend": {
			get: admin({
				operationId: "getSpend",
				summary: "Spend roll-ups",
				description:
					"Without `group_by`: in total, by key, by team and by model. A cost belongs to the instant its attempt " +
					"began. `Accept: text/csv` gives the same as CSV.",
				tag: SPEND,
				parameters: [
					query("from", "Inclusive: a UTC date or an RFC 3339 date-time. Default: the first of the month of `to`."),
					query("to", "A UTC date (that day included) or an RFC 3339 date-time (exclusive). Default: the month's end."),
					query("group_by", "Any of key, team, model, provider, day, separated by commas.", {
						type: "string",
						pattern: "^(key|team|model|provider|day)(,(key|team|model|provider|day))*$",
						examples: ["team,day"],
					}),
				],
				content: {
					"application/json": {
						schema: {
							anyOf: [
								{ $ref: "#/components/schemas/SpendReport" },
								{ $ref: "#/components/schemas/GroupedSpendReport" },
							],
						},
					},
					"text/csv": { schema: { type: "string" } },
				},
			}),
		},
		"/admin/requests/{id}": {
			get: admin({
				operationId: "getRequest",
				summary: "What became of any request: routing, attempts, usage and final cost",
				tag: SPEND,
				parameters: [pathId("The `X-Request-Id` of its answer.")],
				content: json("RequestTrail"),
				errors: [404],
			}),
		},
	};
}

function routingPaths(): DocumentNode {
	const share = { type: "number", minimum: 0, maximum: 1 };
	return {
		"/admin/routing/report": {
			get: admin({
				operationId: "getRoutingReport",
				summary: "What routing did, and what it would have cost otherwise",
				description:
					"By alias: buckets, deployments, scores, exclusions, conversations, shadow strategies. With `medium`, `complex` or " +
					"`strategy` also a replay: what the same requests would have cost with other thresholds. A cost belongs to " +
					"the instant its attempt began, a request to that of its first.",
				tag: SPEND,
				parameters: [
					query("from", "Inclusive: a UTC date or an RFC 3339 date-time. Default: seven days before `to`."),
					query("to", "A UTC date (that day included) or an RFC 3339 date-time (exclusive). Default: now."),
					query("alias", "Only requests of this alias."),
					query("medium", "Replay: lowest score that is medium. Default: the alias's own.", share),
					query("complex", "Replay: lowest score that is complex. Default: the alias's own.", share),
					query("strategy", "Replay: takes requests that another strategy placed as if the classifier had.", {
						type: "string",
						enum: ["classifier"],
					}),
				],
				content: json("RoutingReport"),
			}),
		},
	};
}

function metricsPaths(): DocumentNode {
	return {
		"/metrics": {
			get: admin({
				operationId: "getMetrics",
				summary: "Figures of this instance, for Prometheus",
				description:
					"Text exposition format 0.0.4. `server.metrics` of the configuration opens it to everybody, or closes it: then 404.",
				tag: "Service",
				content: { "text/plain": { schema: { type: "string" } } },
				errors: [404],
			}),
		},
	};
}

/** Everything that the master key opens. */
export function controlPlanePaths(): DocumentNode {
	return { ...keyPaths(), ...teamPaths(), ...deploymentPaths(), ...spendPaths(), ...routingPaths(), ...metricsPaths() };
}

/** What needs no credential. */
export function publicPaths(): DocumentNode {
	const open = (operationId: string, summary: string, content: DocumentNode) => ({
		get: {
			operationId,
			summary,
			tags: ["Service"],
			security: [],
			responses: {
				200: { description: summary, content },
				...errorRefs(),
			},
		},
	});
	const ready = open("getReadiness", "States of the store, Redis and the deployments", json("Readiness"));
	return {
		"/health": open("getHealth", "Constant while the process runs", json("Health")),
		"/health/ready": {
			get: {
				...ready.get,
				responses: {
					...ready.get.responses,
					503: { description: "Not ready, or draining.", content: json("Readiness") },
				},
			},
		},
		"/openapi.json": open("getOpenApi", "This document", { "application/json": { schema: { type: "object" } } }),
		"/docs": open("getDocs", "This document as a page", { "text/html": { schema: { type: "string" } } }),
	};
}
