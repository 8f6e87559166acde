/**
 * Addresses that only mean something on this machine or network, or nothing at all on the public Internet (IANA's
 * special-purpose registries): a request sent there on somebody else's word is a request forged from inside.
 */
const SPECIAL_IPV4 = [
	"0.0.0.0/8",
	"10.0.0.0/8",
	"100.64.0.0/10",
	"127.0.0.0/8",
	"169.254.0.0/16",
	"172.16.0.0/12",
	"192.0.0.0/24",
	"192.0.2.0/24",
	"192.88.99.0/24",
	"192.168.0.0/16",
	"198.18.0.0/15",
	"198.51.100.0/24",
	"203.0.113.0/24",
	"224.0.0.0/4",
	"240.0.0.0/4",
	// Azure's metadata and DHCP server, public only by its number: https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
	"168.63.129.16/32",
].map(readRange);

/** Names that resolvers, clouds and routers answer with inside addresses. A name without a dot never leaves the network. */
const PRIVATE_SUFFIXES = [
	"localhost",
	"local",
	"localdomain",
	"internal",
	"intranet",
	"private",
	"corp",
	"home",
	"home.arpa",
	"lan",
	"svc",
];

/**
 * Whether a host (name or address, in any spelling a URL accepts) is on this machine or a private network.
 * What cannot be read as a host at all counts as private, since it must not be called either. No name is resolved.
 */
export function isPrivateHost(hostname: string): boolean {
	const host = canonicalHost(hostname);
	if (host === undefined) {
		return true;
	}
	if (host.startsWith("[")) {
		return isSpecialIpv6(host.slice(1, -1));
	}
	if (/^\d+\.\d+\.\d+\.\d+$/.test(host)) {
		return isSpecialIpv4(readIpv4(host));
	}
	return !host.includes(".") || PRIVATE_SUFFIXES.some((suffix) => host.endsWith(`.${suffix}`));
}

/** Lets the URL parser undo decimal, octal, hexadecimal, short and full-width spellings, as the request itself would. */
function canonicalHost(hostname: string): string | undefined {
	const bare = hostname.trim();
	if (bare === "" || /[\s/\\?#@]/.test(bare)) {
		return undefined;
	}
	const bracketed = bare.includes(":") && !bare.startsWith("[") ? `[${bare}]` : bare;
	const url = URL.parse(`http://${bracketed}/`);
	if (url === null || url.port !== "") {
		return undefined;
	}
	const host = url.hostname.replace(/\.+$/, "");
	// A trailing dot keeps some parsers from seeing the number in `0x7f.1.`; without it the number is plain.
	return host === url.hostname ? host : (URL.parse(`http://${host}/`)?.hostname ?? undefined);
}

function isSpecialIpv4(address: number): boolean {
	return SPECIAL_IPV4.some((range) => Math.floor(address / range.size) === range.block);
}

function isSpecialIpv6(text: string): boolean {
	const groups = readIpv6(text);
	if (groups === undefined) {
		return true;
	}
	const [first = 0, second = 0] = groups;
	if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
		return isSpecialIpv4(embeddedIpv4(groups));
	}
	// Only 2000::/3 is given out. Loopback, ULA, link-local, site-local, multicast and NAT64 (64:ff9b::/96, 64:ff9b:1::/48)
	// lie outside it; 6to4, Teredo and the rest of 2001::/23, and documentation lie inside.
	const globalUnicast = first >= 0x2000 && first <= 0x3fff;
	const protocolAssignment = first === 0x2001 && second < 0x0200;
	const documentation = (first === 0x2001 && second === 0x0db8) || (first === 0x3fff && second < 0x1000);
	const sixToFour = first === 0x2002;
	return !globalUnicast || protocolAssignment || documentation || sixToFour;
}

function embeddedIpv4(groups: readonly number[]): number {
	return (groups[6] ?? 0) * 0x10000 + (groups[7] ?? 0);
}

/** Reads the form the URL parser writes: lower-case hexadecimal groups, at most one `::`, no dotted tail. */
function readIpv6(text: string): readonly number[] | undefined {
	const [head = "", tail] = text.split("::");
	const before = readGroups(head);
	const after = readGroups(tail ?? "");
	const missing = 8 - before.length - after.length;
	const groups = tail === undefined ? before : [...before, ...Array<number>(Math.max(0, missing)).fill(0), ...after];
	return groups.length === 8 && groups.every((group) => group >= 0 && group <= 0xffff) ? groups : undefined;
}

function readGroups(text: string): readonly number[] {
	return text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
}

function readIpv4(text: string): number {
	return text.split(".").reduce((address, part) => address * 256 + Number(part), 0);
}

function readRange(text: string): { readonly block: number; readonly size: number } {
	const [address = "", bits = "32"] = text.split("/");
	const size = 2 ** (32 - Number(bits));
	return { block: Math.floor(readIpv4(address) / size), size };
}
