/** Loading a core and speaking to it. */
export * from "./address.ts";
export { type CoreConfig, encodeConfig } from "./config.ts";
export { Core, type DeviceInfo, HostArea } from "./core.ts";
export { CoreError, checkSetup, type ErrorInfo, errorInfo, errorTable } from "./errors.ts";
export { type CoreExports, type LastackExports, REQUIRED_EXPORTS, type SocketExports, type WinsockExports } from "./exports.ts";
export { MemoryViews } from "./memory.ts";
export { type CoreSource, compileCore, type ImportFunction, type Instance, instantiate, WASI_MODULE, type WasiHost } from "./module.ts";
export {
  type CloseCause,
  type CloseOutcome,
  type CloseReportRecord,
  type CoreEvent,
  type CoreStats,
  readEvent,
  readReport,
  readStats,
  type StatName,
} from "./records.ts";
