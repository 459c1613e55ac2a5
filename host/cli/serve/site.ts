/** What is served: a directory, or one text. */
import { opendir, realpath, stat } from "node:fs/promises";
import { extname, join, sep } from "node:path";

export type Resource =
  | { readonly kind: "file"; readonly path: string; readonly type: string }
  | { readonly kind: "text"; readonly body: Buffer; readonly type: string }
  /** The same path with a slash at its end. */
  | { readonly kind: "moved"; readonly location: string };

/** Finds the resource at a path's decoded parts; undefined when there is none. */
export type Site = (path: readonly string[]) => Promise<Resource | undefined>;

const HTML = "text/html; charset=utf-8";
const PLAIN = "text/plain; charset=utf-8";
const TYPES: Readonly<Record<string, string>> = {
  ".html": HTML, ".htm": HTML, ".txt": PLAIN, ".md": PLAIN, ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8", ".json": "application/json", ".wasm": "application/wasm", ".svg": "image/svg+xml", ".png": "image/png",
  ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp", ".ico": "image/x-icon", ".pdf": "application/pdf",
  ".xml": "application/xml", ".zip": "application/zip", ".gz": "application/gzip", ".mp4": "video/mp4", ".mp3": "audio/mpeg",
};
/** Names shown of one directory. */
const ENTRIES_MAX = 10_000;

const typeOf = (path: string): string => TYPES[extname(path).toLowerCase()] ?? "application/octet-stream";

/** A path of decoded parts, as it stands in a URL. It begins with one slash: two would name a host. */
function encoded(parts: readonly string[]): string {
  return `/${parts.map(encodeURIComponent).join("/")}`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Names no file may be asked for: they lead elsewhere, or cannot be names. */
function isForeign(part: string): boolean {
  return part === "." || part === ".." || part.includes("/") || part.includes("\0") || (sep !== "/" && (part.includes(sep) || part.includes(":")));
}

async function listing(directory: string, parts: readonly string[]): Promise<Buffer> {
  const names: string[] = [];
  for await (const entry of await opendir(directory)) {
    names.push(entry.isDirectory() ? `${entry.name}/` : entry.name);
    if (names.length === ENTRIES_MAX) break;
  }
  if (parts.length > 0) names.push("../");
  const line = (name: string): string => {
    const href = name === "../" ? name : `./${name.split("/").map(encodeURIComponent).join("/")}`;
    return `<li><a href="${escaped(href)}">${escaped(name)}</a></li>`;
  };
  const title = escaped(`/${parts.map((part) => `${part}/`).join("")}`);
  const list = names.sort().map(line).join("\n");
  return Buffer.from(`<!doctype html>\n<html><head><meta charset="utf-8"><title>${title}</title></head>\n<body><h1>${title}</h1>\n<ul>\n${list}\n</ul></body></html>\n`);
}

/** What lies at `path` and is no link to outside of `root`; undefined if nothing does. */
async function within(root: string, path: string): Promise<{ path: string; isFile: boolean; isDirectory: boolean } | undefined> {
  try {
    const real = await realpath(path);
    if (real !== root && !real.startsWith(root.endsWith(sep) ? root : root + sep)) return undefined;
    const found = await stat(real);
    return { path: real, isFile: found.isFile(), isDirectory: found.isDirectory() };
  } catch {
    // Not there, not allowed, too long: to a client it is all one.
    return undefined;
  }
}

/** The files below `directory`; its index.html, or a listing, where a directory is asked for. */
export async function directorySite(directory: string): Promise<Site> {
  const root = await realpath(directory);
  return async (path) => {
    if (path.some(isForeign)) return undefined;
    const slash = path.at(-1) === "";
    const parts = path.filter((part) => part !== "");
    const found = await within(root, join(root, ...parts));
    if (found?.isFile) return slash ? undefined : { kind: "file", path: found.path, type: typeOf(found.path) };
    if (!found?.isDirectory) return undefined;
    if (!slash) return { kind: "moved", location: `${encoded(parts)}/` };
    const index = await within(root, join(found.path, "index.html"));
    if (index?.isFile) return { kind: "file", path: index.path, type: HTML };
    try {
      return { kind: "text", body: await listing(found.path, parts), type: HTML };
    } catch {
      return undefined;
    }
  };
}

/** One text, at the root. */
export function textSite(text: string): Site {
  const body = Buffer.from(text);
  return async (path) => (path.length === 1 && path[0] === "" ? { kind: "text", body, type: PLAIN } : undefined);
}
