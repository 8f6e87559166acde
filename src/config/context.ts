import type { Provider } from "../providers/types.ts";
import type { Environment } from "./substitute.ts";

/** What a configuration is read against. */
export interface ConfigContext {
	readonly environment: Environment;
	/** By id, as `provider:` names them. A provider that the gateway itself runs comes with its actual base URL. */
	readonly providers: ReadonlyMap<string, Provider>;
	/** Absolute. SQLite paths are relative to it. */
	readonly dataDirectory: string;
}
