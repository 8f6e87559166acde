/** Imported `with { type: "file" }`: the module is the path of the embedded file. */
declare module "*.bin" {
	const path: string;
	export default path;
}
