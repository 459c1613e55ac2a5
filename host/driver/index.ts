/** Polling cores: on real time, and on virtual time for tests and simulations. */
export { Driver, type DriverListener, type Schedule } from "./driver.ts";
export { microtaskSchedule, type Runtime, type RuntimeOptions, realRuntime, systemRuntime } from "./runtime.ts";
export { EndlessRunError, World, type WorldOptions } from "./world.ts";
