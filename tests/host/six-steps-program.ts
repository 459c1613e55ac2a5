/**
 * What six-steps.test.ts runs inside a network namespace of its own: the six steps between Lastack and a node:net program on the
 * kernel's TCP over a TAP device. Arguments: Lastack's column, the capture's path.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { pcapng, tap } from "../../host/winsock/index.ts";
import { type Port, SixSteps } from "./support/six-columns.ts";
import { clientOfNet, serverOfNet, started } from "./support/six-ports.ts";

const KERNEL = "10.9.0.2";
const OURS = "10.9.0.1";

const [role = "", capture = ""] = process.argv.slice(2);
const device = tap("lastack0");
for (const args of [["addr", "add", `${KERNEL}/24`, "dev", device.name], ["link", "set", device.name, "up"]]) execFileSync("ip", args);
const recorder = pcapng(device, capture);
const ws = await started({ devices: [recorder], addresses: [`${OURS}/24`] });
const ports: [Port, Port] = role === "client" ? await clientOfNet(ws, KERNEL) : await serverOfNet(ws, OURS);
const run = new SixSteps(() => new Promise((resolve) => setTimeout(resolve, 1)));
const ends = await run.run(...ports);
run.assertOrder();
assert.deepEqual(ends, { client: "graceful", server: "graceful" });
ws.end();
recorder.close();
console.log(`${role} ok ${run.steps.join(" ")}`);
process.exit(0);
