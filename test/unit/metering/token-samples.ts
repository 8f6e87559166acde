/** A text and how far above the exact count its bound may lie. */
export interface TokenSample {
	readonly name: string;
	readonly text: string;
	readonly ratioMax: number;
}

const ENGLISH = `The harbour was quiet when the first ferry came in. A few people stood at the rail, holding paper cups and
looking at the warehouses that had been turned into offices. Nobody spoke much. The captain, who had worked this route for
twenty-two years, brought the boat alongside without a sound, and the ropes were thrown and caught as they had been thrown
and caught every morning since before most of the passengers were born.

On the quay a woman with a folder asked whether the meeting had been moved. It had not. It would begin at half past nine,
on the fourth floor, and it would be about money: how much was left, who had spent it, and what should happen next. She
thanked the man, wrote something down, and walked on towards the glass doors, past a row of bicycles and a dog that was
tied to one of them. "We can't keep doing this," she said to herself, although she didn't sound unhappy about it.`;

const MANUAL = `A request is first checked against the limits of its key. If the key may send it, the gateway chooses a
deployment, reserves the most that the answer can cost, and forwards the request. When the answer is complete the
reservation is replaced by the real amount. Administrators can see both figures, per key, per team and per model; they can
also change a limit while the service is running. Configuration files are validated before they are applied, so that a
mistake in one of them never interrupts traffic. For troubleshooting, start with the health endpoint, then read the log.`;

const TYPESCRIPT = `export async function readBounded(stream: ReadableStream<Uint8Array>, bytesMax: number): Promise<Uint8Array> {
	const chunks: Uint8Array[] = [];
	let total = 0;
	for await (const chunk of stream) {
		total += chunk.byteLength;
		if (total > bytesMax) {
			throw new RangeError(\`body is larger than \${bytesMax} bytes\`);
		}
		chunks.push(chunk);
	}
	const joined = new Uint8Array(total);
	let offset = 0;
	for (const chunk of chunks) {
		joined.set(chunk, offset);
		offset += chunk.byteLength;
	}
	return joined;
}`;

const PYTHON = `def moving_average(values, window=5):
    """Return the mean of each run of \`window\` values."""
    if window <= 0:
        raise ValueError("window must be positive")
    total = sum(values[:window])
    result = [total / window]
    for index in range(window, len(values)):
        total += values[index] - values[index - window]
        result.append(total / window)
    return result

if __name__ == "__main__":
    print(moving_average([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5], window=3))`;

const CHAT = JSON.stringify({
	model: "smart",
	temperature: 0.2,
	messages: [
		{ role: "system", content: "You are a careful assistant. Answer in one paragraph." },
		{ role: "user", content: "Why does my train of thought derail when I read about trains?" },
		{
			role: "assistant",
			content: null,
			tool_calls: [
				{ id: "call_8sKd02", type: "function", function: { name: "search", arguments: '{"query":"attention"}' } },
			],
		},
	],
	tools: [
		{
			type: "function",
			function: {
				name: "search",
				parameters: { type: "object", properties: { query: { type: "string" } }, required: ["query"] },
			},
		},
	],
	stream: true,
});

/** Repeatable bytes, so that a failing sample can be looked at. */
function noise(bytes: number): Buffer {
	const buffer = Buffer.alloc(bytes);
	let state = 12_345;
	for (let index = 0; index < bytes; index += 1) {
		state = (state * 1_103_515_245 + 12_345) & 0x7fff_ffff;
		buffer[index] = state >> 16;
	}
	return buffer;
}

/** What prose and code may be over-counted by. */
const PROSE = 1.35;

export const TOKEN_SAMPLES: readonly TokenSample[] = [
	{ name: "English story", text: ENGLISH, ratioMax: PROSE },
	{ name: "English manual", text: MANUAL, ratioMax: PROSE },
	{ name: "a long English text", text: `${ENGLISH}\n\n${MANUAL}\n\n`.repeat(20), ratioMax: 1.25 },
	{ name: "TypeScript", text: TYPESCRIPT, ratioMax: PROSE },
	{ name: "Python", text: PYTHON, ratioMax: PROSE },
	{ name: "a chat request", text: CHAT, ratioMax: 1.5 },
	{ name: "the same, indented", text: JSON.stringify(JSON.parse(CHAT), null, 2), ratioMax: 1.5 },
	{
		name: "German",
		text: "Die Sitzung beginnt um halb zehn im vierten Stock. Es geht um das Geld, das noch übrig ist, und darum, wer es ausgegeben hat. Die Geschwindigkeitsbegrenzung gilt für alle Fahrzeuge, auch für die der Verwaltung.",
		ratioMax: PROSE,
	},
	{
		name: "French",
		text: "La réunion commence à neuf heures et demie, au quatrième étage. On y parlera de l'argent qui reste, de ceux qui l'ont dépensé et de ce qu'il faudra faire ensuite. Personne n'était vraiment mécontent.",
		ratioMax: PROSE,
	},
	{
		name: "Spanish",
		text: "La reunión empieza a las nueve y media en la cuarta planta. Se hablará del dinero que queda, de quién lo ha gastado y de lo que habrá que hacer después. Nadie parecía estar descontento.",
		ratioMax: PROSE,
	},
	{
		name: "Italian",
		text: "La riunione comincia alle nove e mezza al quarto piano. Si parlerà dei soldi rimasti, di chi li ha spesi e di quello che bisognerà fare dopo. Nessuno sembrava davvero scontento della decisione.",
		ratioMax: PROSE,
	},
	{
		name: "Polish",
		text: "Spotkanie zaczyna się o wpół do dziesiątej na czwartym piętrze. Będziemy mówić o pieniądzach, które jeszcze zostały, i o tym, kto je wydał. Nikt nie wyglądał na niezadowolonego.",
		ratioMax: 1.5,
	},
	{
		name: "Russian",
		text: "Собрание начинается в половине десятого на четвёртом этаже. Речь пойдёт о деньгах, которые ещё остались, и о том, кто их потратил. Никто не выглядел недовольным.",
		ratioMax: 2,
	},
	{
		name: "Greek",
		text: "Η συνάντηση αρχίζει στις εννέα και μισή στον τέταρτο όροφο. Θα μιλήσουμε για τα χρήματα που έμειναν.",
		ratioMax: 2,
	},
	{
		name: "Arabic",
		text: "يبدأ الاجتماع في التاسعة والنصف في الطابق الرابع. سنتحدث عن المال المتبقي وعمن أنفقه وما يجب فعله بعد ذلك.",
		ratioMax: 2,
	},
	{
		name: "Hebrew",
		text: "הפגישה מתחילה בתשע וחצי בקומה הרביעית. נדבר על הכסף שנשאר ועל מי שהוציא אותו.",
		ratioMax: 2.2,
	},
	{
		name: "Hindi",
		text: "बैठक साढ़े नौ बजे चौथी मंज़िल पर शुरू होगी। हम बचे हुए पैसे के बारे में बात करेंगे और यह कि उसे किसने खर्च किया।",
		ratioMax: 2,
	},
	{ name: "Thai", text: "การประชุมจะเริ่มเวลาเก้าโมงครึ่งที่ชั้นสี่ เราจะพูดคุยเกี่ยวกับเงินที่เหลืออยู่และใครเป็นคนใช้ไป", ratioMax: 2 },
	{
		name: "Chinese",
		text: "会议九点半在四楼开始。我们会讨论还剩多少钱、是谁花的,以及接下来应该怎么办。没有人看起来不高兴。",
		ratioMax: 2,
	},
	{
		name: "Japanese",
		text: "会議は九時半に四階で始まります。残っているお金と、それを誰が使ったのかについて話し合います。不満そうな人はいませんでした。",
		ratioMax: 2,
	},
	{
		name: "Korean",
		text: "회의는 아홉 시 반에 사 층에서 시작합니다. 남은 돈과 누가 그 돈을 썼는지에 대해 이야기할 것입니다.",
		ratioMax: 2,
	},
	{ name: "emoji", text: "Great 🎉🎉 see you 👩🏽‍💻👨‍👩‍👧‍👦 at 🏳️‍🌈 ❤️‍🔥 🇩🇪🇺🇸 👍🏿 ✅ ⚠️ ok 🙂", ratioMax: 2.5 },
	{ name: "base64", text: noise(1_500).toString("base64"), ratioMax: 1.5 },
	{ name: "hexadecimal", text: noise(700).toString("hex"), ratioMax: 1.5 },
	{ name: "digits", text: Array.from({ length: 300 }, (_, index) => index * 7_919).join(", "), ratioMax: 1.5 },
	{ name: "spaces", text: " ".repeat(500), ratioMax: 20 },
	{ name: "line ends and tabs", text: "\n\n\t\t\n  \n\t \n".repeat(40), ratioMax: 5 },
	{
		name: "a ruled table",
		text: `| name | limit | used |\n|------|------:|-----:|\n${"| blue | 1,200 | 340 |\n".repeat(10)}`,
		ratioMax: 1.6,
	},
	{
		name: "shouting",
		text: "PLEASE READ THE FOLLOWING INSTRUCTIONS BEFORE YOU PRESS ANY BUTTON. DO NOT TOUCH THE RED ONE.",
		ratioMax: 2,
	},
	{
		name: "a shell line",
		text: `curl -sS -X POST "$BASE_URL/v1/chat/completions" -H "Authorization: Bearer $KEY" -d @body.json | jq '.usage'`,
		ratioMax: 1.6,
	},
	{ name: "one word", text: "Hello", ratioMax: 3 },
];
