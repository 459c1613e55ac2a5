/** Documents: every link leads somewhere, and every heading, file and test that they name is there; so too in the package. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const DOCUMENTS = [...readdirSync(ROOT), ...readdirSync(join(ROOT, "docs")).map((name) => `docs/${name}`), "bench/README.md", "tests/semantics/README.md"].filter((name) => name.endsWith(".md"));
/** What stands in code is no link. */
const prose = (path: string): string => read(path).replace(/```[\s\S]*?```/g, "");
/** A heading as links name it. */
const anchor = (heading: string): string => heading.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, "").trim().replaceAll(" ", "-");

interface Link {
  readonly text: string;
  /** The file, from the root of the tree. */
  readonly file: string;
  readonly anchor: string | undefined;
}

function linksOf(path: string): Link[] {
  return [...prose(path).matchAll(/\]\(([^)\s]+)\)/g)].map(([, text]) => text as string).filter((text) => !/^https?:/.test(text)).map((text) => {
    const [file, heading] = text.split("#");
    return { text, file: file ? normalize(join(dirname(path), file)) : path, anchor: heading };
  });
}

/** Every file of the tree that is not made, from its root. */
function tree(): string[] {
  const skipped = new Set(["node_modules", "build", ".git"]);
  const below = (dir: string): string[] => readdirSync(join(ROOT, dir), { withFileTypes: true }).flatMap((entry) => {
    if (skipped.has(entry.name)) return [];
    const path = join(dir, entry.name);
    return entry.isDirectory() ? [path, ...below(path)] : [path];
  });
  return below(".").map((path) => path.replaceAll("\\", "/"));
}

describe("documents", () => {
  for (const path of DOCUMENTS) {
    test(`${path}: links and anchors lead somewhere`, () => {
      for (const link of linksOf(path)) {
        assert.ok(existsSync(join(ROOT, link.file)), `${link.text}: there is no ${link.file}`);
        if (link.anchor === undefined) continue;
        if (link.file.endsWith(".md")) assert.ok([...read(link.file).matchAll(/^#+ (.*)$/gm)].some(([, heading]) => anchor(heading as string) === link.anchor), `${link.text}: no such heading`);
        else assert.ok(Number(/^L(\d+)$/.exec(link.anchor)?.[1]) <= read(link.file).split("\n").length, `${link.text}: no such line`);
      }
    });
  }

  test("files and folders that documents name in code exist", () => {
    const files = tree();
    const made = /^(build\/.*|core\.[ch]|(cli|lastack|winsock|worker)\.mjs)$/;
    for (const path of DOCUMENTS) {
      for (const [, name] of prose(path).matchAll(/`((?:[\w.-]+\/)*[\w.-]+\.(?:ts|mjs|md|json|h|c|S|ld|tsv|pkt)|(?:assembly|bench|docs|examples|host|ports|tests|tools)\/[\w./-]*)`/g)) {
        const wanted = (name as string).replace(/\/$/, "");
        assert.ok(made.test(name as string) || files.some((file) => file === wanted || file.endsWith(`/${wanted}`) || file.endsWith(`/${wanted}.ts`)), `${path}: ${name}`);
      }
    }
  });

  test("tests that SECURITY.md names as evidence exist", () => {
    const files = tree();
    const evidence = [...read("SECURITY.md").matchAll(/(?:[\w.\\*-]+\/)*[\w\\*-]+\.(?:pkt|spec\.ts|test\.ts)/g)].map(([name]) => name.replaceAll("\\", ""));
    assert.ok(evidence.length > 20, `${evidence.length} named`);
    for (const name of evidence) {
      const pattern = new RegExp(`(^|/)${name.replaceAll(".", "\\.").replaceAll("*", "[\\w-]*")}$`);
      assert.ok(files.some((file) => pattern.test(file)), name);
    }
  });

  test("docs/knobs.md is what npm run knobs writes, and docs/semantics.md has every row of the contract", () => {
    const { status, stderr } = spawnSync(process.execPath, [join(ROOT, "tools", "knobs.mjs"), "--check"], { encoding: "utf8" });
    assert.equal(status, 0, stderr);
    const listed = new Set([...read("docs/semantics.md").matchAll(/^\| ([A-Z]+-\d+\w*) \|/gm)].map(([, row]) => row));
    const rows = read("tests/semantics/rows.tsv").split("\n").map((line) => line.split("\t")[0] as string).filter((id) => /^[A-Z]+-\d+\w*$/.test(id));
    assert.ok(rows.length > 400, `${rows.length} rows`);
    assert.deepEqual(rows.filter((row) => !listed.has(row)), []);
  });

  test("the README leads to every document for people", () => {
    const led = new Set(linksOf("README.md").map(({ file }) => file));
    for (const path of DOCUMENTS.filter((name) => !/README\.md$/.test(name))) assert.ok(led.has(path), `${path} is not linked`);
  });

  test("a link of a packed document leads to a packed file, or into the repository's sources", () => {
    const { files } = JSON.parse(read("package.json")) as { files: string[] };
    const packed = (path: string): boolean => /^(README\.md|LICENSE|package\.json)$/.test(path) || files.some((entry) => path === entry || path.startsWith(`${entry}/`));
    for (const path of DOCUMENTS.filter(packed)) {
      for (const { file } of linksOf(path)) assert.ok(packed(file) || /^(assembly|host|tests|bench|tools)\//.test(relative(".", file)), `${path}: ${file} is not in the package`);
    }
  });
});
