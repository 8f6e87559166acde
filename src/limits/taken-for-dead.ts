/** Others have given away what this instance held: until it has said again that it lives, it is granted nothing. */
export class TakenForDead extends Error {
	override readonly name = "TakenForDead";
	constructor() {
		super("This instance was taken for dead: what it held of budgets is no longer its own.");
	}
}
