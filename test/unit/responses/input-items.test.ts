import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { listObject, pageOf, readListQuery } from "../../../src/responses/input-items.ts";
import { userMessage } from "../../support/kept-samples.ts";

const items = Array.from({ length: 7 }, (_, index) => userMessage(`msg_${index}`, "x"));
const query = (text: string) => readListQuery(new URLSearchParams(text));
const page = (text: string) => {
	const { items: found, hasMore } = pageOf(items, query(text));
	return `${found.map(({ id }) => id.slice(4)).join("")}${hasMore ? "+" : ""}`;
};

describe("a page of input items", () => {
	test.each([
		["", "6543210"],
		["order=asc", "0123456"],
		["order=desc&limit=3", "654+"],
		["order=asc&limit=3", "012+"],
		["order=asc&limit=7", "0123456"],
		["order=asc&after=msg_2", "3456"],
		["order=asc&after=msg_2&limit=2", "34+"],
		["order=desc&after=msg_2", "10"],
		["order=asc&after=msg_6", ""],
		["order=asc&before=msg_3", "012"],
		// The page that ends there, not the first one.
		["order=asc&before=msg_5&limit=2", "34+"],
		["order=desc&before=msg_2&limit=2", "43+"],
		["order=asc&after=msg_1&before=msg_5", "234"],
		["order=asc&after=msg_1&before=msg_5&limit=1", "2+"],
		["order=asc&after=msg_5&before=msg_1", ""],
		["include=message.input_image.image_url&include[]=reasoning.encrypted_content&limit=1", "6+"],
	])("%p shows %p", (text, expected) => {
		expect(page(text)).toBe(expected);
	});

	test.each([
		["limit=0", "limit"],
		["limit=101", "limit"],
		["limit=1.5", "limit"],
		["limit=", "limit"],
		["limit=many", "limit"],
		["order=newest", "order"],
		["order=", "order"],
		["after=", "after"],
		[`before=${"x".repeat(257)}`, "before"],
		["after=msg_99", "after"],
		["before=msg_99", "before"],
		[`include=${"x".repeat(257)}`, "include"],
		[Array(65).fill("include=a").join("&"), "include"],
	])("%.30p is refused naming %p", (text, param) => {
		expect(() => page(text)).toThrow(expect.objectContaining({ status: 400, param }));
	});

	test("is OpenAI's list object, empty or not", () => {
		expect(listObject(pageOf(items, query("limit=2")))).toEqual({
			object: "list",
			data: [items[6], items[5]] as never,
			first_id: "msg_6",
			last_id: "msg_5",
			has_more: true,
		});
		expect(listObject(pageOf([], query("")))).toEqual({
			object: "list",
			data: [],
			first_id: "",
			last_id: "",
			has_more: false,
		});
	});

	test("page after page shows each item once, in order", () => {
		fc.assert(
			fc.property(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 1, max: 9 }), fc.boolean(), (count, limit, up) => {
				const all = Array.from({ length: count }, (_, index) => userMessage(`msg_${index}`, "x"));
				const seen: string[] = [];
				for (let more = true; more; ) {
					const after = seen.at(-1);
					const found = pageOf(all, { order: up ? "asc" : "desc", after, before: undefined, limit });
					seen.push(...found.items.map(({ id }) => id));
					more = found.hasMore;
				}
				const expected = all.map(({ id }) => id);
				expect(seen).toEqual(up ? expected : expected.reverse());
			}),
		);
	});
});
