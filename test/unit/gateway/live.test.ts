import { expect, test } from "bun:test";
import { createLiveRequests } from "../../../src/gateway/live.ts";
import { systemClock } from "../../../src/lib/clock.ts";

function open(live: ReturnType<typeof createLiveRequests>, keyId: string, controller = new AbortController()) {
	const scope = live.open(`req_${keyId}`, controller.signal);
	scope.belongsTo(keyId);
	return { scope, controller };
}

test("revoking a key ends its requests and no others", () => {
	const live = createLiveRequests(systemClock);
	const [mine, other] = [open(live, "vk_1"), open(live, "vk_2")];
	let aborted = 0;
	mine.scope.onLeave(() => {
		aborted += 1;
	});
	live.cutKey("vk_1");
	expect([mine.scope.left(), other.scope.left(), aborted]).toEqual(["revoked", undefined, 1]);
});

test("a client that leaves ends its request, and the first reason stays", () => {
	const live = createLiveRequests(systemClock);
	const { scope, controller } = open(live, "vk_1");
	controller.abort();
	live.cutAll();
	expect(scope.left()).toBe("client");
});

test("what is registered too late to be aborted is aborted at once", () => {
	const live = createLiveRequests(systemClock);
	const { scope } = open(live, "vk_1");
	scope.leave("client");
	let aborted = false;
	scope.onLeave(() => {
		aborted = true;
	});
	expect(aborted).toBe(true);
});

test("nothing in flight is a state that can be waited for, and finishing twice is finishing once", async () => {
	const live = createLiveRequests(systemClock);
	const { scope } = open(live, "vk_1");
	let actions = 0;
	scope.onFinish(() => {
		actions += 1;
	});
	const idle = live.idle();
	scope.finish();
	scope.finish();
	await idle;
	expect([live.count(), actions]).toEqual([0, 1]);
});
