/** The package as `npm pack` makes it, from its user's side: what is in it, its types under strict settings, its entries, its command, in a bundle. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const TSC = join(ROOT, "node_modules", ".bin", "tsc");
const TIMEOUT_MS = 120_000;

/** Two stacks and a connection through the package's two entries. */
const PROGRAM = `import { createStack, type CloseReport, memoryLink, SocketError } from "lastack";
import { AF_INET, createWinsock, IPPROTO_TCP, SOCK_STREAM, SOCKET_ERROR, WSAECONNREFUSED } from "lastack/winsock";

const { a, b } = memoryLink();
const stack = await createStack({ devices: [a], addresses: ["10.0.0.1/24"], ...(process.argv[2] && { wasm: import.meta.resolve(process.argv[2]) }) });
const server = await stack.listen({ port: 7 });
const ws = await createWinsock({ devices: [b], addresses: ["10.0.0.2/24"] });
ws.WSAStartup(0x0202);
const refused = ws.socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
if ((await ws.connect(refused, { address: "10.0.0.1", port: 8 })) === SOCKET_ERROR) console.log("refused", ws.WSAGetLastError() === WSAECONNREFUSED);
const s = ws.socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
const [connected, socket] = await Promise.all([ws.connect(s, { address: "10.0.0.1", port: 7 }), server.accept({ signal: AbortSignal.timeout(30_000) })]);
const closing: Promise<CloseReport> = socket.close();
console.log("connected", connected, await ws.recv(s, new Uint8Array(10)), await ws.closesocket(s));
console.log("stack", (await closing).outcome, "winsock", (await ws.closeReport(s)).outcome);
await stack.connect({ address: "10.0.0.2", port: 9 }).catch((error: unknown) => console.log("error", error instanceof SocketError && error.code));
ws.WSACleanup();
ws.end();
await stack.close();
`;
const SAID = "refused true\nconnected 0 0 0\nstack graceful winsock graceful\nerror ECONNREFUSED\n";

describe("the package", () => {
  let dir: string;
  let app: string;
  let packed: string;
  let names: Set<string>;

  before(() => {
    dir = mkdtempSync(join(tmpdir(), "lastack-package-"));
    app = join(dir, "app");
    packed = join(app, "node_modules", "lastack");
    mkdirSync(packed, { recursive: true });
    execFileSync(process.execPath, [join(ROOT, "tools", "build.mjs"), "--quiet", "all", "types"], { stdio: "inherit" });
    const told = execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--offline", "--pack-destination", dir], { cwd: ROOT, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    const reply = JSON.parse(told) as Record<string, { filename: string; files: { path: string }[] }> | { filename: string; files: { path: string }[] }[];
    const [{ filename, files }] = Object.values(reply) as [{ filename: string; files: { path: string }[] }];
    names = new Set(files.map(({ path }) => path));
    execFileSync("tar", ["xzf", join(dir, filename), "-C", packed, "--strip-components=1"]);
    writeFileSync(join(app, "package.json"), '{ "name": "app", "private": true, "type": "module" }\n');
    writeFileSync(join(app, "program.ts"), PROGRAM);
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  const run = (file: string, ...args: string[]): string => execFileSync(process.execPath, [file, ...args], { cwd: app, encoding: "utf8", timeout: TIMEOUT_MS });
  const compile = (...options: string[]): void => {
    const base = ["--ignoreConfig", "--noEmit", "--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess", "--skipLibCheck", "false", "--target", "es2022", "program.ts"];
    const { status, stdout } = spawnSync(TSC, [...base, ...options], { cwd: app, encoding: "utf8", timeout: TIMEOUT_MS });
    assert.equal(status, 0, stdout);
  };

  test("holds every file that its entries, its types and its command name, and no test", () => {
    const { exports, bin, types } = JSON.parse(readFileSync(join(packed, "package.json"), "utf8")) as { exports: Record<string, string | Record<string, string>>; bin: Record<string, string>; types: string };
    const named = [types, ...Object.values(bin), ...Object.values(exports).flatMap((entry) => (typeof entry === "string" ? entry : Object.values(entry)))];
    for (const name of [...named, "build/worker.mjs", "host/c/include/lastack.h", "host/c/Makefile", "examples/echo-server.ts", "README.md", "LICENSE"]) assert.ok(names.has(name.replace(/^\.\//, "")), name);
    for (const name of names) assert.doesNotMatch(name, /\.test\.ts$|\.spec\.ts$|debug|^assembly\//);
  });

  test("declares types that hold under strict settings: for Node, for bundlers, without lib.dom and without Node's types", () => {
    // What a program without lib.dom and Node's types needs of them for itself.
    writeFileSync(join(app, "globals.d.ts"), "declare const console: { log(...values: unknown[]): void; error(...values: unknown[]): void };\ndeclare const process: { argv: string[] };\ninterface ImportMeta { resolve(name: string): string }\ndeclare class URL { readonly href: string }\ninterface AbortSignal { readonly aborted: boolean }\ndeclare const AbortSignal: { timeout(ms: number): AbortSignal };\n");
    compile("--module", "nodenext", "--lib", "es2023", "--types", "", "globals.d.ts");
    const types = ["--typeRoots", join(ROOT, "node_modules", "@types"), "--types", "node"];
    compile("--module", "nodenext", ...types);
    compile("--module", "nodenext", "--lib", "es2023,dom,esnext.disposable", ...types);
    compile("--module", "esnext", "--moduleResolution", "bundler", "--lib", "es2023,dom,esnext.disposable", ...types);
  });

  test("runs unbundled with each module, and bundled with the module beside it", async () => {
    await build({ absWorkingDir: app, entryPoints: ["program.ts"], outfile: "program.mjs", format: "esm", packages: "external", logLevel: "silent" });
    for (const module of ["lastack/lastack.wasm", "lastack/lastack.simd.wasm"]) assert.equal(run("program.mjs", module), SAID, module);
    await build({ absWorkingDir: app, entryPoints: ["program.ts"], outfile: "bundle/program.mjs", format: "esm", platform: "node", bundle: true, external: ["koffi"], logLevel: "silent" });
    const alone = spawnSync(process.execPath, ["bundle/program.mjs"], { cwd: app, encoding: "utf8", timeout: TIMEOUT_MS });
    assert.notEqual(alone.status, 0);
    assert.match(alone.stderr, /CoreError: lastack\.wasm is not beside this library: in a bundled program copy node_modules\/lastack\/build\/lastack\.wasm beside the bundle or pass it as wasm/);
    copyFileSync(join(packed, "build", "lastack.wasm"), join(app, "bundle", "lastack.wasm"));
    assert.equal(run("bundle/program.mjs"), SAID);
  });

  test("has the command: help, version, one line and exit code 2 for a wrong one", () => {
    const command = join(packed, "build", "cli.mjs");
    assert.match(run(command, "--help"), /^usage: lastack COMMAND/);
    assert.equal(run(command, "--version"), `${JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")).version}\n`);
    const { status, stdout, stderr } = spawnSync(process.execPath, [command, "fetch"], { encoding: "utf8", timeout: TIMEOUT_MS });
    assert.deepEqual([status, stdout, stderr.split("\n").length], [2, "", 2], stderr);
    assert.match(stderr, /^lastack: unknown command "fetch"; expected one of: demo, get, nc, ping, serve\./);
  });

  test("has what make in host/c reads", () => {
    const makefile = readFileSync(join(packed, "host/c/Makefile"), "utf8");
    for (const [, path] of makefile.matchAll(/\.\.\/\.\.\/((?:tools|build)\/[\w./]+\.\w+)/g)) assert.ok(existsSync(join(packed, path as string)), path);
  });
});
