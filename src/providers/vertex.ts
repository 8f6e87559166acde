import { defineProvider, versionedUrl } from "./define.ts";
import { vertexDialects } from "./vertex-dialects.ts";

/** Served at addresses of another form: https://cloud.google.com/vertex-ai/generative-ai/docs/learn/locations */
const MULTI_REGIONS: ReadonlySet<string> = new Set(["us", "eu"]);

/** Google's and Anthropic's models in a Google Cloud project: https://cloud.google.com/vertex-ai/generative-ai/docs */
export const vertex = defineProvider({
	id: "vertex",
	title: "Google Vertex AI",
	baseUrl: ({ location = "global" }) => {
		if (location === "global") {
			return "https://aiplatform.googleapis.com";
		}
		return MULTI_REGIONS.has(location)
			? `https://aiplatform.${location}.rep.googleapis.com`
			: `https://${location}-aiplatform.googleapis.com`;
	},
	account: "google",
	dialects: vertexDialects,
	url: versionedUrl("/v1beta1"),
	priceCatalogue: "google",
});
