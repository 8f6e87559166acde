import { version } from "../../package.json" with { type: "json" };
import { type DocumentNode, errorResponseComponents, HEADERS, schemaComponents } from "./openapi/components.ts";
import { controlPlanePaths, publicPaths } from "./openapi/control-plane.ts";
import { dataPlanePaths } from "./openapi/data-plane.ts";

/** The gateway's whole surface as one OpenAPI 3.1 document. Its schemas are the zod schemas that check the requests. */
export function openApiDocument(): DocumentNode {
	return {
		openapi: "3.1.1",
		info: {
			title: "Gateway-LLM",
			version,
			summary: "OpenAI's API in front of every LLM provider.",
			description:
				"Every OpenAI SDK works with this gateway's address as its base URL and a virtual key as its API key. " +
				"Errors are always JSON, of one shape; every answer has an `X-Request-Id`.",
			license: { name: "MIT", identifier: "MIT" },
		},
		servers: [{ url: "/", description: "The gateway that serves this document." }],
		tags: [
			{ name: "OpenAI-compatible", description: "Drop-in endpoints of OpenAI's API. Need a virtual key." },
			{ name: "Gateway", description: "What a virtual key can ask about its own requests." },
			{ name: "Virtual keys", description: "Need the master key." },
			{ name: "Teams", description: "Need the master key." },
			{ name: "Deployments", description: "Need the master key." },
			{ name: "Spend and requests", description: "Need the master key." },
			{
				name: "Service",
				description: "Need no key; `/metrics` the master key, unless `server.metrics` says otherwise.",
			},
		],
		paths: { ...dataPlanePaths(), ...controlPlanePaths(), ...publicPaths() },
		components: {
			schemas: schemaComponents(),
			responses: errorResponseComponents(),
			headers: HEADERS,
			securitySchemes: {
				virtualKey: { type: "http", scheme: "bearer", bearerFormat: "gw_virt_…", description: "A virtual key." },
				masterKey: { type: "http", scheme: "bearer", description: "The master key of the configuration." },
			},
		},
	};
}

let text: string | undefined;

/** The document as it is served, printed and kept in the repository. Made on first need: start-up does not pay for it. */
export function openApiText(): string {
	text ??= `${JSON.stringify(openApiDocument(), null, 2)}\n`;
	return text;
}
