import { defineProvider, versionedUrl } from "./define.ts";
import { vertexDialects } from "./vertex-dialects.ts";

/** Google's and Anthropic's models in a Google Cloud project: https://cloud.google.com/vertex-ai/generative-ai/docs */
export const vertex = defineProvider({
	id: "vertex",
	title: "Google Vertex AI",
	baseUrl: ({ location }) =>
		location === undefined || location === "global"
			? "https://aiplatform.googleapis.com"
			: `https://${location}-aiplatform.googleapis.com`,
	account: "google",
	dialects: vertexDialects,
	url: versionedUrl("/v1beta1"),
	priceCatalogue: "google",
});
