/** Migrations are imported as text, so that the compiled binary needs no folder beside it. */
declare module "*.sql" {
	const text: string;
	export default text;
}
