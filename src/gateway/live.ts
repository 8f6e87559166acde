import type { Clock } from "../lib/clock.ts";
import type { LogFields } from "../telemetry/logger.ts";

/** Why a request ends before its answer does. */
export type LeaveReason = "client" | "revoked" | "shutdown";

/** The life of one request, from its first byte to its last. */
export interface RequestScope {
	readonly requestId: string;
	/** Monotonic milliseconds. */
	readonly startedAtMs: number;
	/** Set once the request is to be given up. */
	left(): LeaveReason | undefined;
	/** Gives the request up: what runs for it is aborted. The first reason stays. */
	leave(reason: LeaveReason): void;
	/** What to abort when the request is given up; the latest wins. Called at once if that has already happened. */
	onLeave(abort: () => void): void;
	/** Whose request it is; known after authentication. */
	belongsTo(keyId: string): void;
	/** Adds to what the log will say of this request. */
	note(facts: LogFields): void;
	facts(): LogFields;
	/** Runs when the request ends, last registered first. */
	onFinish(action: () => void): void;
	/** The request is over: idempotent. */
	finish(): void;
}

/** Every request in flight, so that a revoked key or a shutdown can end them. */
export interface LiveRequests {
	open(requestId: string, signal: AbortSignal): RequestScope;
	cutKey(keyId: string): void;
	cutAll(): void;
	count(): number;
	/** Resolves when nothing is in flight. */
	idle(): Promise<void>;
}

export function createLiveRequests(clock: Clock): LiveRequests {
	const open = new Set<{ readonly scope: RequestScope; readonly keyId: () => string | undefined }>();
	let waiting: (() => void)[] = [];

	return {
		open(requestId, signal) {
			let owner: string | undefined;
			const entry = { scope: createScope(requestId, clock.monotonic(), signal, belongs, ended), keyId: () => owner };
			function belongs(keyId: string): void {
				owner = keyId;
			}
			function ended(): void {
				open.delete(entry);
				if (open.size === 0) {
					const resolvers = waiting;
					waiting = [];
					for (const resolve of resolvers) {
						resolve();
					}
				}
			}
			open.add(entry);
			return entry.scope;
		},
		cutKey(keyId) {
			for (const entry of open) {
				if (entry.keyId() === keyId) {
					entry.scope.leave("revoked");
				}
			}
		},
		cutAll() {
			for (const entry of open) {
				entry.scope.leave("shutdown");
			}
		},
		count: () => open.size,
		idle: () => (open.size === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
	};
}

function createScope(
	requestId: string,
	startedAtMs: number,
	signal: AbortSignal,
	belongsTo: (keyId: string) => void,
	ended: () => void,
): RequestScope {
	let reason: LeaveReason | undefined;
	let abort: (() => void) | undefined;
	let finished = false;
	const facts: Record<string, LogFields[string]> = {};
	const actions: (() => void)[] = [];

	function leave(why: LeaveReason): void {
		if (reason === undefined && !finished) {
			reason = why;
			abort?.();
		}
	}
	const clientLeft = () => leave("client");
	if (signal.aborted) {
		clientLeft();
	} else {
		signal.addEventListener("abort", clientLeft, { once: true });
	}

	return {
		requestId,
		startedAtMs,
		left: () => reason,
		leave,
		onLeave(action) {
			abort = action;
			if (reason !== undefined) {
				action();
			}
		},
		belongsTo(keyId) {
			facts.keyId = keyId;
			belongsTo(keyId);
		},
		note(more) {
			Object.assign(facts, more);
		},
		facts: () => facts,
		onFinish(action) {
			actions.push(action);
		},
		finish() {
			if (finished) {
				return;
			}
			finished = true;
			signal.removeEventListener("abort", clientLeft);
			for (const action of actions.reverse()) {
				action();
			}
			ended();
		},
	};
}
