import type { Session } from "../routing/types.ts";
import type { Admitted } from "./types.ts";

/** The conversation a request belongs to, by what its client says or by how it begins; undefined = it stands alone. */
export function sessionOf(_admitted: Admitted): Session | undefined {
	return undefined;
}
