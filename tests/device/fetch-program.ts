/** In a network namespace of its own: a kernel server and the C program that fetches from it. Arguments: the program. Prints what it printed. */
import { execFile, execFileSync } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";

const PAGE = `${"0123456789".repeat(5000)}\nthe end\n`;
const [program] = process.argv.slice(2) as [string];
const ip = (...args: string[]): void => void execFileSync("ip", args);

ip("tuntap", "add", "dev", "lastack0", "mode", "tap");
ip("address", "add", "10.77.1.1/24", "dev", "lastack0");
ip("link", "set", "lastack0", "up");
const server = createServer((_request, response) => response.end(PAGE));
await new Promise<void>((resolve) => server.listen(0, "10.77.1.1", resolve));
const { port } = server.address() as AddressInfo;
const { stdout, stderr } = await promisify(execFile)(program, ["lastack0", "10.77.1.2", "10.77.1.1", String(port), "/page"], { encoding: "utf8", timeout: 60_000 });
server.close();
console.log(JSON.stringify({ whole: stdout.endsWith(`\r\n\r\n${PAGE}`), status: stdout.split("\r\n")[0], report: stderr.trim() }));
