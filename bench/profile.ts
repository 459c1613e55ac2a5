/** Where the time of a piece of work goes: V8's sampling profiler over a core whose functions have names. */
import { readFileSync } from "node:fs";
import { type Profiler, Session } from "node:inspector/promises";
import * as cores from "./exports.ts";
import type { Measure } from "./figures.ts";
import { bulk, connections, memoryPlace, roundTrips } from "./promises.ts";

/** What can be profiled, by name. */
export const WORKS: Readonly<Record<string, (wasm: WebAssembly.Module) => Measure>> = {
  bulk: (wasm) => cores.bulk(wasm, 1500),
  "bulk-promises": (wasm) => bulk(memoryPlace(wasm)),
  "round-trips": (wasm) => cores.roundTrips(wasm),
  "round-trips-promises": (wasm) => roundTrips(memoryPlace(wasm)),
  connections: (wasm) => cores.connections(wasm),
  "connections-promises": (wasm) => connections(memoryPlace(wasm)),
};

/** Optimizing compilers are to be done before the first sample. */
const WARM_UP_MS = 1500;
const INTERVAL_US = 200;

/** A place in the tree of calls. */
export interface Frame {
  readonly name: string;
  /** Code of the core. */
  readonly wasm: boolean;
  /** Samples in it, and in it and what it called. */
  readonly self: number;
  readonly total: number;
  readonly children: readonly Frame[];
}

function frameOf(node: Profiler.ProfileNode, nodes: ReadonlyMap<number, Profiler.ProfileNode>): Frame {
  const { functionName, url, lineNumber } = node.callFrame;
  const children = (node.children ?? []).map((id) => frameOf(nodes.get(id) as Profiler.ProfileNode, nodes));
  const self = node.hitCount ?? 0;
  const wasm = url.startsWith("wasm:");
  return {
    name: functionName || (url ? `(${url.split("/").at(-1)}:${lineNumber + 1})` : "(anonymous)"), wasm, self,
    total: children.reduce((sum, child) => sum + child.total, self), children,
  };
}

/** The tree of calls of `ms` milliseconds of a work, named in WORKS. */
export async function profile(file: string, work: string, ms: number): Promise<Frame> {
  const measure = (WORKS[work] as (wasm: WebAssembly.Module) => Measure)(await WebAssembly.compile(readFileSync(file)));
  await measure.run(WARM_UP_MS);
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: INTERVAL_US });
  await session.post("Profiler.start");
  await measure.run(ms);
  const { profile: found } = await session.post("Profiler.stop");
  session.disconnect();
  const nodes = new Map(found.nodes.map((node) => [node.id, node]));
  return frameOf(found.nodes[0] as Profiler.ProfileNode, nodes);
}

/** Not the program's doing: time that nobody used. */
const IDLE = new Set(["(idle)", "(root)", "(program)"]);

export interface Row {
  readonly name: string;
  readonly where: "core" | "host";
  /** Of all samples in which something ran. */
  readonly share: number;
}

/** Self time by function, most of it first. */
export function table(root: Frame): Row[] {
  const rows = new Map<string, { name: string; where: "core" | "host"; self: number }>();
  const visit = (frame: Frame): void => {
    if (!IDLE.has(frame.name)) {
      const key = `${frame.wasm} ${frame.name}`;
      const row = rows.get(key) ?? { name: frame.name, where: frame.wasm ? "core" : "host", self: 0 };
      row.self += frame.self;
      rows.set(key, row);
    }
    for (const child of frame.children) visit(child);
  };
  visit(root);
  const all = [...rows.values()].reduce((sum, { self }) => sum + self, 0);
  return [...rows.values()].map(({ name, where, self }) => ({ name, where, share: self / all })).filter(({ share }) => share > 0).sort((a, b) => b.share - a.share);
}

const WIDTH = 1200;
const ROW = 17;
/** Narrower boxes than this many pixels are left out. */
const LEAST = 1;
const LETTER = 6.6;
const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** Frames of one name under one parent, put together. */
function merged(frames: readonly Frame[]): Frame[] {
  const groups = new Map<string, Frame[]>();
  for (const frame of frames) groups.set(`${frame.wasm} ${frame.name}`, [...(groups.get(`${frame.wasm} ${frame.name}`) ?? []), frame]);
  return [...groups.values()].map((group) => ({
    name: (group[0] as Frame).name, wasm: (group[0] as Frame).wasm, self: group.reduce((sum, { self }) => sum + self, 0),
    total: group.reduce((sum, { total }) => sum + total, 0), children: merged(group.flatMap(({ children }) => children)),
  })).sort((a, b) => b.total - a.total);
}

/** A flame graph, callers above what they call; boxes of the core are orange, of the host blue. */
export function flameGraph(root: Frame, title: string): string {
  const boxes: string[] = [];
  const frames = merged(root.children.filter(({ name }) => !IDLE.has(name)));
  const all = frames.reduce((sum, { total }) => sum + total, 0);
  let depth = 0;
  const draw = (frame: Frame, x: number, level: number): void => {
    const width = (frame.total / all) * WIDTH;
    if (width < LEAST) return;
    depth = Math.max(depth, level + 1);
    const y = (level + 2) * ROW;
    const label = width > 4 * LETTER ? escaped(frame.name.split("/").at(-1)?.slice(0, Math.floor(width / LETTER)) ?? "") : "";
    const about = `${frame.name}: ${((frame.total / all) * 100).toFixed(1)} %, itself ${((frame.self / all) * 100).toFixed(1)} %`;
    boxes.push(`<g><title>${escaped(about)}</title><rect x="${x.toFixed(1)}" y="${y}" width="${(width - 0.5).toFixed(1)}" height="${ROW - 1}" fill="${frame.wasm ? "#f5a35c" : "#8ab8e6"}"/><text x="${(x + 2).toFixed(1)}" y="${y + 12}">${label}</text></g>`);
    let at = x;
    for (const child of frame.children) {
      draw(child, at, level + 1);
      at += (child.total / all) * WIDTH;
    }
  };
  let at = 0;
  for (const frame of frames) {
    draw(frame, at, 0);
    at += (frame.total / all) * WIDTH;
  }
  const height = (depth + 3) * ROW;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="monospace" font-size="11"><rect width="100%" height="100%" fill="#fff"/><text x="4" y="15" font-size="13">${escaped(title)}</text>\n${boxes.join("\n")}\n</svg>\n`;
}
