/** Every example of docs/closing.md runs, and prints what the page says: the same words, other numbers. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { needsKoffi } from "./sockets-support.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const page = readFileSync(`${ROOT}docs/closing.md`, "utf8");

/** Example file to the output that the page shows under it. */
const shown = new Map(Array.from(page.matchAll(/\(\.\.\/examples\/closing\/([a-z-]+\.ts)\)[^`]*```text\n([^`]*)```/g), (match) => [match[1] as string, match[2] as string]));

/** What stays the same from run to run. EPIPE and ECONNRESET are two moments of one event. */
const shape = (text: string): string => text.trim().replace(/\d[\d,.]*/g, "#").replace(/EPIPE|ECONNRESET/g, "<reset>");

describe("docs/closing.md", () => {
  test("shows every example there is", () => {
    const files = readdirSync(`${ROOT}examples/closing`).filter((name) => name !== "peers.ts").sort();
    assert.deepEqual([...shown.keys()].sort(), files);
  });

  for (const [name, output] of shown) {
    test(name, { skip: needsKoffi }, async () => {
      const { stdout, stderr } = await promisify(execFile)(process.execPath, ["--import", "tsx", `examples/closing/${name}`], { cwd: ROOT, timeout: 60_000 });
      assert.equal(stderr, "");
      assert.equal(shape(stdout), shape(output));
    });
  }
});
