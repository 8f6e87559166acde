import {
	type DocumentNode,
	type ErrorStatus,
	errorRefs,
	type HeaderName,
	headerRefs,
	type SchemaName,
	schemaRef,
} from "./components.ts";

/** An operation that the master key opens. */
export interface AdminOperation {
	readonly operationId: string;
	readonly summary: string;
	readonly description?: string;
	readonly tag: string;
	readonly body?: SchemaName;
	readonly parameters?: readonly DocumentNode[];
	readonly status?: 200 | 201;
	readonly headers?: readonly HeaderName[];
	readonly content: DocumentNode;
	readonly errors?: readonly ErrorStatus[];
}

export function admin(operation: AdminOperation): DocumentNode {
	const { operationId, summary, description, tag, body, parameters, content } = operation;
	const { status = 200, headers = [], errors = [] } = operation;
	const bodyErrors: readonly ErrorStatus[] = body === undefined ? [] : [408, 413, 415];
	return {
		operationId,
		summary,
		...(description === undefined ? {} : { description }),
		tags: [tag],
		security: [{ masterKey: [] }],
		...(parameters === undefined ? {} : { parameters }),
		...(body === undefined
			? {}
			: { requestBody: { required: true, content: { "application/json": { schema: schemaRef(body) } } } }),
		responses: {
			[status]: { description: summary, headers: headerRefs("X-Request-Id", ...headers), content },
			...errorRefs(401, 403, 429, ...bodyErrors, ...errors),
		},
	};
}

export function json(name: SchemaName): DocumentNode {
	return { "application/json": { schema: schemaRef(name) } };
}

export function pathId(description: string): DocumentNode {
	return { name: "id", in: "path", required: true, description, schema: { type: "string" } };
}

export function query(name: string, description: string, schema: DocumentNode = { type: "string" }): DocumentNode {
	return { name, in: "query", required: false, description, schema };
}
