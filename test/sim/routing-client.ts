import type { RequestPlan } from "./routing-scenario.ts";
import type { Asked, Fail } from "./routing-state.ts";
import type { World } from "./routing-world.ts";

interface Listeners {
	readonly fail: Fail;
	readonly note: (line: () => string) => void;
	readonly onEnd: (asked: Asked, status: number) => void;
	readonly onStatus: (status: number) => void;
}

/** One client: asks, reads to the end or leaves before it. */
export function askGateway(world: World, plan: RequestPlan, { fail, note, onEnd, onStatus }: Listeners): void {
	const { time, handle, deps } = world;
	const leaving = plan.leavesAfterMs === undefined ? undefined : new AbortController();
	const outlook = outlookOf(world, plan);
	const answer = handle(requestOf(plan, leaving?.signal), deps.dialects.ingressOf.chat, () => undefined);
	const asked: Asked = {
		...{ number: world.asked.size, plan, arrivedMs: time.clock.monotonic(), requestId: world.lastRequestId() },
		...outlook,
		rows: [],
		answeredMs: undefined,
		endedMs: undefined,
		hasLeft: false,
	};
	world.asked.set(asked.requestId, asked);
	note(() => `request ${asked.number}: ${plan.kind} ${plan.key.id} available ${asked.available.join(" ")}`);
	let reading: { cancel(): Promise<void> } | undefined;
	if (leaving !== undefined) {
		time.after(plan.leavesAfterMs ?? 0, () => {
			if (asked.endedMs === undefined) {
				asked.hasLeft = true;
				leaving.abort();
				reading?.cancel().catch(() => undefined);
			}
		});
	}
	async function read(): Promise<void> {
		const response = await answer;
		asked.answeredMs = time.clock.monotonic();
		world.answers.began(asked, response);
		let text = "";
		let broke = false;
		const decoder = new TextDecoder();
		const reader = response.body?.getReader();
		reading = reader;
		try {
			for (let next = await reader?.read(); next?.done === false; next = await reader?.read()) {
				text += decoder.decode(next.value, { stream: true });
			}
		} catch {
			broke = true;
		}
		asked.endedMs = time.clock.monotonic();
		if (!asked.hasLeft) {
			world.answers.ended(asked, { status: response.status, headers: response.headers, text, broke });
		}
		onEnd(asked, response.status);
		onStatus(response.status);
	}
	read().catch((error: unknown) =>
		fail("nothing is thrown at a client", { request: asked.number, error: String(error) }),
	);
}

/** Who could serve it, by what is known as it comes. */
function outlookOf(
	world: World,
	{ key }: RequestPlan,
): Pick<Asked, "suited" | "available" | "recoveryMs" | "hasBudget"> {
	const { scenario, health, time, isEnabled, deps } = world;
	const teamNano = key.team === undefined ? undefined : deps.accounts.teams.limitsOf(key.team).monthlyBudgetNano;
	const hasBudget = key.monthlyBudgetNano !== undefined || teamNano !== undefined;
	const mayFallBack = key.models.length === 0 || key.models.includes("spare");
	const suited = scenario.deployments
		.filter(({ deployment, price }) => {
			const isItsOwn = deployment.alias === "main" || mayFallBack;
			return isItsOwn && isEnabled(deployment.id) && (price !== undefined || !hasBudget);
		})
		.map(({ deployment }) => deployment.id);
	const wallMs = time.clock.now();
	const backMs = suited.map((id) => (health.view(id).availableAtMs ?? wallMs) - wallMs);
	return {
		suited,
		hasBudget,
		available: suited.filter((id) => health.standing(id) === "available"),
		recoveryMs: time.clock.monotonic() + Math.min(...backMs),
	};
}

function requestOf(plan: RequestPlan, signal: AbortSignal | undefined): Request {
	const body = JSON.stringify({
		model: "main",
		messages: [{ role: "user", content: "hello" }],
		stream: plan.stream,
		user: plan.kind,
		...(plan.maxTokens === undefined ? {} : { max_tokens: plan.maxTokens }),
	});
	return new Request("http://gateway.invalid/v1/chat/completions", {
		method: "POST",
		headers: {
			authorization: `Bearer ${plan.key.id}`,
			"content-type": "application/json",
			"content-length": String(body.length),
			...(plan.session === undefined ? {} : { "x-session-id": plan.session }),
		},
		body,
		...(signal === undefined ? {} : { signal }),
	});
}
