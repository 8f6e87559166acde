import { nearest } from "../lib/nearest.ts";
import type { Report } from "./problem.ts";
import type { LocatedRoute } from "./routes.ts";

/** What must hold between the entries of `model_list`, beyond the shape of each. */
export function checkRoutes(routes: readonly LocatedRoute[], names: ReadonlySet<string>, report: Report): void {
	checkUniqueAliases(routes, report);
	for (const route of routes) {
		checkFallbacks(route, names, report);
		checkTiers(route, report);
	}
}

function checkUniqueAliases(routes: readonly LocatedRoute[], report: Report): void {
	const seen = new Set<string>();
	for (const { path, model_alias: name } of routes) {
		if (seen.has(name)) {
			const message = `alias ${JSON.stringify(name)} is already defined; list all its deployments under one entry`;
			report({ path: [...path, "model_alias"], message });
		}
		seen.add(name);
	}
}

function checkFallbacks(route: LocatedRoute, names: ReadonlySet<string>, report: Report): void {
	const seen = new Set<string>();
	for (const [index, name] of route.fallbacks.entries()) {
		const path = [...route.path, "fallbacks", index];
		const quoted = JSON.stringify(name);
		if (name === route.model_alias) {
			report({ path, message: `alias ${quoted} cannot be its own fallback` });
		} else if (!names.has(name)) {
			report({ path, message: `there is no alias ${quoted}`, nearest: nearest(name, names) });
		} else if (seen.has(name)) {
			report({ path, message: `fallback ${quoted} is listed twice` });
		}
		seen.add(name);
	}
}

/**
 * Several deployments may share a tier, but not while nobody is left for the other tiers or another deployment has none:
 * the second `tier` was then almost certainly meant to be a different one.
 */
function checkTiers({ deployments }: LocatedRoute, report: Report): void {
	const tiers = deployments.map(({ file }) => file.tier);
	const oneTierOnly = new Set(tiers.filter((tier) => tier !== undefined)).size === 1;
	const someWithout = tiers.includes(undefined);
	const seen = new Set<string>();
	for (const { path, file } of deployments) {
		if (file.tier === undefined) {
			continue;
		}
		if (seen.has(file.tier) && (oneTierOnly || someWithout)) {
			const rest = someWithout ? "another deployment of this alias has none" : "no deployment has another";
			report({ path: [...path, "tier"], message: `tier ${file.tier} is set twice while ${rest}` });
		}
		seen.add(file.tier);
	}
}
