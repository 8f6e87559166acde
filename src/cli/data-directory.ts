/** Where the gateway keeps its state when nobody says otherwise: below the folder it is started in. */
export const DATA_DIRECTORY_DEFAULT = "gateway-llm-data";
