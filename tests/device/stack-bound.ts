/** The stack that a firmware takes at most, by the call graph the compiler wrote beside each object file (-fcallgraph-info=su). */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

interface Called {
  /** Bytes of its own frame; undefined: only called, not compiled here. */
  frame: number | undefined;
  readonly calls: Set<string>;
}

export interface CallGraph {
  readonly functions: Map<string, Called>;
  /** Functions that are called and not compiled with the rest: the C library's, and the compiler's own. */
  readonly outside: string[];
}

/** "file.c:name" of a function that others do not see, or "name". */
const bare = (title: string): string => title.slice(title.lastIndexOf(":") + 1);
/** The compiler's name for a call through a pointer. */
const INDIRECT = "__indirect_call";

/** Joins the call graphs of these files. Two functions of one name count as one that does what both do: never less than either. */
export function callGraph(files: readonly string[]): CallGraph {
  const functions = new Map<string, Called>();
  const of = (title: string): Called => {
    const name = bare(title), known = functions.get(name) ?? { frame: undefined, calls: new Set<string>() };
    functions.set(name, known);
    return known;
  };
  for (const file of files) {
    const text = readFileSync(file, "utf8");
    for (const [, title, label] of text.matchAll(/^node: \{ title: "([^"]*)" label: "([^"]*)"/gm)) {
      const made = of(title as string), frame = /\\n(\d+) bytes \(([\w,]+)\)/.exec(label as string);
      if (!frame) continue;
      // A frame of variable size would have no bound.
      if (frame[2] !== "static") throw new Error(`${title}: its stack frame is ${frame[2]}`);
      made.frame = Math.max(made.frame ?? 0, Number(frame[1]));
    }
    for (const [, source, target] of text.matchAll(/^edge: \{ sourcename: "([^"]*)" targetname: "([^"]*)"/gm)) of(source as string).calls.add(bare(target as string));
  }
  const outside = [...functions].filter(([name, { frame }]) => frame === undefined && name !== INDIRECT).map(([name]) => name);
  return { functions, outside: outside.sort() };
}

export interface StackBound {
  bytes: number;
  /** From the function asked about down the deepest way. */
  way: string[];
}

/**
 * The deepest way from `root`. A call through a pointer may reach any of `pointed`. A function from outside counts `allowance` bytes.
 * @throws Error if a function calls itself, by whatever way round: it names the way.
 */
export function stackBound({ functions }: CallGraph, root: string, pointed: readonly string[] = [], allowance = 64): StackBound {
  const known = new Map<string, StackBound>();
  const open: string[] = [];
  const visit = (name: string): StackBound => {
    const before = known.get(name);
    if (before) return before;
    if (open.includes(name)) throw new Error(`recursion: ${[...open.slice(open.indexOf(name)), name].join(" calls ")}`);
    const called = functions.get(name);
    if (!called) throw new Error(`no function ${name} in the call graph`);
    open.push(name);
    let deepest: StackBound = { bytes: 0, way: [] };
    for (const next of name === INDIRECT ? pointed : called.calls) {
      const below = visit(next);
      if (below.bytes > deepest.bytes) deepest = below;
    }
    open.pop();
    const bound = { bytes: (name === INDIRECT ? 0 : (called.frame ?? allowance)) + deepest.bytes, way: [name, ...deepest.way] };
    known.set(name, bound);
    return bound;
  };
  return visit(root);
}

/** What the firmware's and the host's function pointers may point to. */
const POINTED = ["op_recv", "op_send", "op_now", "op_random", "op_trap", "ready"];
/** Registers that a Cortex-M stacks at an interrupt, with the word of padding. */
const EXCEPTION_BYTES = 36;

export interface FirmwareStack {
  /** Of the start and everything below it, interrupts included. */
  firmware: StackBound;
  /** Of lastack_poll alone, with the embedder's functions. */
  poll: StackBound;
  outside: string[];
}

/** Bounds of a firmware whose objects and call graphs are in that directory. */
export function firmwareStack(objects: string): FirmwareStack {
  const graph = callGraph(readdirSync(objects).filter((name) => name.endsWith(".ci")).map((name) => join(objects, name)));
  const pointed = POINTED.filter((name) => graph.functions.has(name));
  const main = stackBound(graph, graph.functions.has("reset") ? "reset" : "main", pointed), interrupt = graph.functions.has("systick") ? EXCEPTION_BYTES + stackBound(graph, "systick").bytes : 0;
  return { firmware: { ...main, bytes: main.bytes + interrupt }, poll: stackBound(graph, "lastack_poll", pointed), outside: graph.outside };
}
