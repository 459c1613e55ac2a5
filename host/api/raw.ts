/** The parts below the promise API, for programs that speak to the service provider itself. */
export type { Endpoint } from "./address.ts";
export { Calls, type ProviderExports } from "./calls.ts";
export { type Host, openHost } from "./host.ts";
export type { StackOptions } from "./options.ts";
export { type CloseReport, toCloseReport } from "./report.ts";
