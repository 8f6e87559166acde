import { Elysia } from "elysia";
import iconPath from "swagger-ui-dist/favicon-32x32.png" with { type: "file" };
import stylePath from "swagger-ui-dist/swagger-ui.css" with { type: "file" };
import scriptPath from "swagger-ui-dist/swagger-ui-bundle.js" with { type: "file" };
import { methodNotAllowed } from "./errors.ts";
import { openApiText } from "./openapi.ts";

// Every address is relative, so that the page also works below a path prefix of a reverse proxy.
const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Gateway-LLM API</title>
<link rel="icon" type="image/png" href="docs/icon.png">
<link rel="stylesheet" href="docs/swagger-ui.css">
<script defer src="docs/swagger-ui.js"></script>
<script defer src="docs/start.js"></script>
</head>
<body><div id="swagger-ui"></div></body>
</html>
`;

// The badge would send the document's address to a validator on the internet: "none" takes it off.
const START = `SwaggerUIBundle({
	url: "openapi.json",
	dom_id: "#swagger-ui",
	deepLinking: true,
	validatorUrl: "none",
	persistAuthorization: false,
});
`;

const PAGE_HEADERS = {
	"content-type": "text/html; charset=utf-8",
	"content-security-policy":
		"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	"referrer-policy": "no-referrer",
	"x-content-type-options": "nosniff",
	"cache-control": "no-cache",
};

/** The addresses in the page only fit below `/docs`, so `/docs/` leads there. */
const PAGE_LOCATION = { location: "../docs" };

/** Assets change only with the binary; an hour keeps a browser from fetching two megabytes at each visit. */
function assetHeaders(contentType: string) {
	return { "content-type": contentType, "x-content-type-options": "nosniff", "cache-control": "public, max-age=3600" };
}

/** `/openapi.json` and, from assets inside the binary, its page `/docs`. Nothing of it leaves the machine. */
export function docsController() {
	const asset = (path: string, contentType: string) => () =>
		new Response(Bun.file(path), { headers: assetHeaders(contentType) });
	return new Elysia({ name: "docs" })
		.get(
			"/openapi.json",
			() =>
				new Response(openApiText(), { headers: { "content-type": "application/json", "cache-control": "no-cache" } }),
		)
		.get("/docs", () => new Response(PAGE, { headers: PAGE_HEADERS }))
		.get("/docs/", () => new Response(null, { status: 308, headers: PAGE_LOCATION }))
		.get("/docs/start.js", () => new Response(START, { headers: assetHeaders("text/javascript; charset=utf-8") }))
		.get("/docs/swagger-ui.js", asset(scriptPath, "text/javascript; charset=utf-8"))
		.get("/docs/swagger-ui.css", asset(stylePath, "text/css; charset=utf-8"))
		.get("/docs/icon.png", asset(iconPath, "image/png"))
		.all("/openapi.json", methodNotAllowed(["GET"]), { parse: "none" })
		.all("/docs", methodNotAllowed(["GET"]), { parse: "none" })
		.all("/docs/", methodNotAllowed(["GET"]), { parse: "none" });
}
