/** Run in a network namespace of its own by net-kernel.test.ts: Lastack at 10.9.0.2 on TAP, the kernel's ping and UDP at 10.9.0.1. */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { pcapng, tap } from "../../host/device/index.ts";
import { createStack } from "../../host/index.ts";

const SIZES = [0, 1, 1472, 1473, 5000, 20_000, 60_000];
const pattern = (n: number): Buffer => Buffer.from(Uint8Array.from({ length: n }, (_, i) => (i * 7 + (i >> 8)) & 255));

/** Lines of a command that must succeed. The event loop stays free, or nobody would answer it. */
async function command(name: string, ...args: string[]): Promise<string> {
  const child = spawn(name, args, { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.on("data", (chunk) => { text += chunk; });
  const [code] = await once(child, "close");
  assert.equal(code, 0, `${name} ${args.join(" ")} exited with ${code}: ${text}`);
  return text;
}

const device = pcapng(await tap("lastack0"), process.argv[2] as string);
execFileSync("ip", ["addr", "add", "10.9.0.1/24", "dev", "lastack0"]);
execFileSync("ip", ["link", "set", "lastack0", "up"]);
const stack = await createStack({ wasm: new URL("../../build/lastack.debug.wasm", import.meta.url), devices: [device], addresses: ["10.9.0.2/24"] });

for (const size of [0, 1, 56, 1472, 1473, 4001, 65507]) {
  assert.match(await command("ping", "-n", "-c", "2", "-i", "0.05", "-W", "5", "-s", String(size), "10.9.0.2"), / 2 received/, `ping -s ${size}`);
}

const echo = await stack.udp({ port: 7 });
const echoing = (async () => {
  for (let left = SIZES.length; left; left--) {
    const datagram = await echo.receive();
    await echo.send(datagram.data, datagram);
  }
})();
const kernel = createSocket("udp4");
kernel.bind(5007, "10.9.0.1");
await once(kernel, "listening");
for (const size of SIZES) {
  kernel.send(pattern(size), 7, "10.9.0.2");
  const [data] = (await once(kernel, "message")) as [Buffer];
  assert.ok(data.equals(pattern(size)), `${size} bytes came back`);
}
await echoing;

// Nobody has port 99 on either side: ICMP says so, both ways.
const stranger = createSocket("udp4");
stranger.connect(99, "10.9.0.2");
await once(stranger, "connect");
stranger.send("x");
const [refused] = (await once(stranger, "error")) as [NodeJS.ErrnoException];
assert.equal(refused.code, "ECONNREFUSED");
const ours = await stack.udp({ port: 5008 });
ours.connect({ address: "10.9.0.1", port: 99 });
await ours.send(Buffer.from("x"));
await assert.rejects(ours.receive(), { code: "ECONNRESET" });

// The kernel forgets us and asks again.
execFileSync("ip", ["neigh", "flush", "dev", "lastack0"]);
await command("ping", "-n", "-c", "1", "-W", "5", "10.9.0.2");

stranger.close();
kernel.close();
await stack.close();
console.log("net-kernel ok");
process.exit(0);
