import type { KeyRecord } from "../keys/types.ts";
import type { ObjectOwner } from "../metering/ledger-types.ts";

/** Whether an object was made by this key or by another key of its team. */
export function owns(principal: KeyRecord, owner: Pick<ObjectOwner, "keyId" | "team">): boolean {
	return owner.keyId === principal.id || (owner.team !== undefined && owner.team === principal.team);
}
