/** Core a of scenarios and worlds on a board. */
import type { VirtualClock } from "../../host/base/clock.ts";
import { FdTable } from "../../host/wasi/index.ts";
import { target } from "../semantics/support/hosts.ts";
import type { Bridge } from "./bridge.ts";
import { asCore, DeviceCore } from "./devicecore.ts";

/** Core a of every scenario from now on is the board's. The scenarios may be loaded only then: they size what they send by it. */
export function act(bridge: Bridge): void {
  target.acting = (world, device, address, config) => (listener) => {
    const core = asCore(new DeviceCore(bridge, world.clock as VirtualClock, device, address, config));
    const fds = new FdTable();
    fds.add(device);
    return { core, driver: world.attach(core, fds, listener) };
  };
}
