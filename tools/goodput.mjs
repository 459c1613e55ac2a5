#!/usr/bin/env node
// npm run goodput: goodput of Lastack and of the kernel over the same losses and delays, in real time, through a switch of ours.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { connect, createServer } from "node:net";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const SELF = fileURLToPath(import.meta.url);
const ROOT = join(dirname(SELF), "..");
const PORT = 7000;
const ADDRESS = ["10.9.0.1", "10.9.0.2"];

const HELP = `usage: npm run goodput -- [options]

One connection carries bytes from one end of a switch of ours to the other; the switch delays every frame and loses some, by a seed. Ends:
two kernels, each with a TAP in a namespace of its own; Lastack and a kernel; two Lastacks. As root on Linux, with koffi.

options
  --loss P      percent of the frames lost (default 1)
  --delay MS    one way (default 20)
  --bytes N     of each transfer (default 8388608)
  --runs N      of each pair, by turns, with seeds 1 to N (default 3)
  --algorithm A congestion control of the kernel's sender, cubic unless named: Lastack's default is CUBIC too
  --json        figures as JSON
  --help        this text

exit code: 0 the figures stand there, 1 they could not be had, 2 bad arguments
`;

/** The kernel's end, in a namespace of its own: waits until its TAP is there, then sends or receives. */
async function kernelEnd(role, bytes, algorithm, index) {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  console.log("ready");
  const device = (await lines.next()).value;
  const ip = (...args) => {
    const { status, stderr } = spawnSync("ip", args, { encoding: "utf8" });
    if (status !== 0) throw new Error(`ip ${args.join(" ")}: ${stderr}`);
  };
  ip("addr", "add", `${ADDRESS[index]}/24`, "dev", device);
  ip("link", "set", device, "up");
  if (role === "receive") {
    const server = createServer().listen(PORT, ADDRESS[index]);
    await once(server, "listening");
    console.log("listening");
    const [socket] = await once(server, "connection");
    const start = process.hrtime.bigint();
    let got = 0;
    for await (const part of socket) got += part.length;
    console.log(JSON.stringify({ got, ms: Number(process.hrtime.bigint() - start) / 1e6 }));
    process.exit(0);
  }
  console.log("configured");
  await lines.next();
  const socket = connect(PORT, ADDRESS[1 - index]);
  await once(socket, "connect");
  // The system makes a socket no sooner.
  const koffi = createRequire(import.meta.url)("koffi");
  const setsockopt = koffi.load("libc.so.6").func("int setsockopt(int, int, int, const char *, uint32_t)");
  const TCP_CONGESTION = 13;
  if (setsockopt(socket._handle.fd, 6, TCP_CONGESTION, algorithm, algorithm.length) !== 0) throw new Error(`the kernel has no congestion control "${algorithm}" for us`);
  const piece = Buffer.alloc(1 << 16, 0x61);
  for (let sent = 0; sent < bytes; sent += piece.length) {
    const part = piece.subarray(0, Math.min(piece.length, bytes - sent));
    if (!socket.write(part)) await once(socket, "drain");
  }
  socket.end();
  socket.resume();
  await once(socket, "close");
  process.exit(0);
}

/** A kernel behind the port of the switch. */
async function kernelAt(lib, bridge, index, role, { bytes, algorithm }, name) {
  const device = lib.tap(name, { offload: false });
  const child = spawn("unshare", ["-n", process.execPath, SELF, "--end", role, String(bytes), algorithm, String(index)], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`the kernel's end (${role}) ended early`);
    return value;
  };
  await line();
  const moved = spawnSync("ip", ["link", "set", name, "netns", String(child.pid)], { encoding: "utf8" });
  if (moved.status !== 0) throw new Error(`ip link set ${name} netns: ${moved.stderr}`);
  const unplug = lib.cable(device, bridge.port(index));
  child.stdin.write(`${name}\n`);
  await line();
  return {
    go: () => child.stdin.write("go\n"),
    result: async () => JSON.parse(await line()),
    end: () => {
      child.kill();
      unplug();
    },
  };
}

/** Lastack at the port of the switch. */
async function lastackAt(lib, bridge, index, role, { bytes }) {
  const stack = await lib.createStack({ devices: [bridge.port(index)], addresses: [`${ADDRESS[index]}/24`] });
  const server = role === "receive" ? await stack.listen({ port: PORT }) : undefined;
  let done = Promise.resolve();
  const send = async () => {
    const socket = await stack.connect({ address: ADDRESS[1 - index], port: PORT });
    const piece = Buffer.alloc(1 << 16, 0x61);
    for (let sent = 0; sent < bytes; sent += piece.length) await socket.write(piece.subarray(0, Math.min(piece.length, bytes - sent)));
    await socket.shutdown("send");
    await socket.close();
  };
  return {
    go: () => {
      done = send();
    },
    result: async () => {
      const socket = await server.accept();
      const start = process.hrtime.bigint();
      let got = 0;
      for await (const part of socket) got += part.length;
      const ms = Number(process.hrtime.bigint() - start) / 1e6;
      await socket.close();
      return { got, ms };
    },
    end: async () => {
      await done;
      await stack.close();
    },
  };
}

const ENDS = { kernel: kernelAt, lastack: lastackAt };
const PAIRS = [["kernel", "kernel"], ["lastack", "kernel"], ["lastack", "lastack"]];

/** Kilobytes per second of one transfer. */
async function transfer(lib, [from, to], options, seed, number) {
  // Every frame passes two cables.
  const perCable = 1 - Math.sqrt(1 - options.loss / 100);
  const bridge = lib.frameSwitch({ ports: 2, delayMs: options.delay / 2, loss: perCable, seed, queueFrames: 8192 });
  const receiver = await ENDS[to](lib, bridge, 1, "receive", options, `gp${number}r`);
  const sender = await ENDS[from](lib, bridge, 0, "send", options, `gp${number}s`);
  const result = receiver.result();
  sender.go();
  const { got, ms } = await result;
  await Promise.all([sender.end(), receiver.end()]);
  bridge.close();
  if (got !== options.bytes) throw new Error(`${from} to ${to}: ${got} of ${options.bytes} bytes`);
  return got / ms;
}

const median = (values) => [...values].sort((x, y) => x - y)[values.length >> 1];

async function measure(options, json) {
  const { register } = await import("tsx/esm/api");
  register();
  const lib = await import("../host/index.ts");
  const figures = PAIRS.map(() => []);
  // By turns: what else the machine does meanwhile must not meet one pair alone.
  for (let seed = 1, number = 0; seed <= options.runs; seed++) {
    for (const [k, pair] of PAIRS.entries()) {
      const value = await transfer(lib, pair, options, seed, number++);
      figures[k].push(value);
      if (!json) console.log(`seed ${String(seed).padEnd(4)} ${pair.join(" to ").padEnd(20)} ${value.toFixed(0).padStart(6)} kB/s`);
    }
  }
  const rows = figures.map((runs, k) => ({ pair: PAIRS[k].join(" to "), runs: runs.map(Math.round), median: Math.round(median(runs)) }));
  if (!json) for (const row of rows) console.log(`${row.pair.padEnd(24)} median ${row.median} kB/s`);
  const share = rows[1].median / rows[0].median;
  if (json) console.log(JSON.stringify({ ...options, rows, share }, null, 1));
  else console.log(`Lastack sends ${share.toFixed(2)} of what the kernel (${options.algorithm}) sends: ${options.loss} % loss, ${options.delay} ms, ${options.bytes} bytes, ${options.runs} runs`);
}

function options(args) {
  const { values } = parseArgs({
    args,
    options: {
      loss: { type: "string", default: "1" }, delay: { type: "string", default: "20" }, bytes: { type: "string", default: "8388608" },
      runs: { type: "string", default: "3" }, algorithm: { type: "string", default: "cubic" }, json: { type: "boolean", default: false },
      inside: { type: "boolean", default: false }, help: { type: "boolean", default: false },
    },
  });
  const number = (name, low, high) => {
    const n = Number(values[name]);
    if (!(n >= low && n <= high)) throw new RangeError(`--${name} is ${values[name]}; expected a number from ${low} to ${high}`);
    return n;
  };
  return { values, loss: number("loss", 0, 50), delay: number("delay", 0, 1000), bytes: number("bytes", 1, 1 << 30), runs: number("runs", 1, 100), algorithm: values.algorithm };
}

const args = process.argv.slice(2);
if (args[0] === "--end") await kernelEnd(args[1], Number(args[2]), args[3], Number(args[4]));
else {
  let given;
  try {
    given = options(args);
  } catch (error) {
    console.error(`goodput: ${error.message}\nsee --help`);
    process.exitCode = 2;
  }
  if (given?.values.help) process.stdout.write(HELP);
  else if (given?.values.inside) {
    const { values, ...rest } = given;
    await measure(rest, values.json);
    process.exit(0);
  } else if (given) {
    if (process.platform !== "linux" || process.getuid() !== 0) {
      console.error("goodput: namespaces and TAP devices need Linux and root");
      process.exitCode = 1;
    } else {
      const build = existsSync(join(ROOT, "build", "lastack.simd.wasm")) ? { status: 0 } : spawnSync(process.execPath, [join(ROOT, "tools", "build.mjs"), "--quiet", "simd"], { stdio: "inherit" });
      const run = build.status === 0 ? spawnSync("unshare", ["-n", process.execPath, SELF, "--inside", ...args], { stdio: "inherit" }) : build;
      process.exitCode = run.status === 0 ? 0 : 1;
    }
  }
}
