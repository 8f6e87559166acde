import type { Speech } from "./types.ts";

/** A method of a Gemini API model: `/models/gemini-2.5-pro:generateContent`. Ids may be given with their `models/`. */
export function geminiMethod(method: string, streamed?: string): Speech["path"] {
	return ({ model }, stream) => {
		const collection = /^(?:models|tunedModels)\//.test(model) ? "" : "models/";
		return `/${collection}${encodedPath(model)}:${stream && streamed !== undefined ? streamed : method}`;
	};
}

/** A method of a model that a publisher serves on Vertex AI. */
export function vertexMethod(publisher: string, method: string, streamed?: string): Speech["path"] {
	return ({ project = "", location = "", model }, stream) => {
		const place = `/projects/${encodedPath(project)}/locations/${encodedPath(location)}`;
		const spoken = stream && streamed !== undefined ? streamed : method;
		// A model or an endpoint of the project's own is named by its path: `publishers/…/models/…`, `endpoints/123`.
		const path = /^(?:publishers|endpoints)\//.test(model) ? model : `publishers/${publisher}/models/${model}`;
		return `${place}/${encodedPath(path)}:${spoken}`;
	};
}

/** Slashes and the `@` of a version stay; nothing in a name can leave its place in the path. */
function encodedPath(path: string): string {
	return path
		.split("/")
		.map((part) => (/^\.*$/.test(part) ? "_" : encodeURIComponent(part).replaceAll("%40", "@")))
		.join("/");
}
