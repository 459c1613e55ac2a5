/** Compiling a core once and instantiating it as often as there are stacks. */
import { ABI_VERSION, WASI_ENOSYS } from "../abi/link.gen.ts";
import { CoreError } from "./errors.ts";
import { type CoreExports, REQUIRED_EXPORTS } from "./exports.ts";
import { MemoryViews } from "./memory.ts";

export const WASI_MODULE = "wasi_snapshot_preview1";

// biome-ignore lint/suspicious/noExplicitAny: an import takes and returns whatever its Wasm signature says.
export type ImportFunction = (...args: any[]) => number | void;

/** The import side of a host: functions of wasi_snapshot_preview1 by name, bound to a memory once that exists. */
export interface WasiHost {
  readonly functions: Readonly<Record<string, ImportFunction>>;
  bind(memory: MemoryViews): void;
}

declare global {
  /** Programs compiled without lib.dom have these names too; where it is there, the interfaces merge. */
  namespace WebAssembly {
    interface Module {}
    interface Memory {}
  }
}

/** What a core is compiled from. A string or URL is fetched, or read from disk when it is a `file:` URL. */
export type CoreSource = ArrayBufferView | ArrayBuffer | WebAssembly.Module | URL | string;

async function fetchBytes(source: URL | string): Promise<ArrayBufferView | ArrayBuffer> {
  const url = new URL(source, import.meta.url);
  if (url.protocol === "file:") {
    const { readFile } = await import("node:fs/promises");
    return readFile(url);
  }
  const response = await fetch(url);
  if (!response.ok) throw new CoreError("E_LOAD", `cannot fetch ${url}: ${response.status} ${response.statusText}`);
  return response.arrayBuffer();
}

/**
 * Compiles a core. The result is immutable and serves any number of stacks, also in workers.
 * @throws CoreError `E_LOAD` when the bytes cannot be had or are not WebAssembly.
 */
export async function compileCore(source: CoreSource): Promise<WebAssembly.Module> {
  if (source instanceof WebAssembly.Module) return source;
  try {
    const bytes = typeof source === "string" || source instanceof URL ? await fetchBytes(source) : source;
    return await WebAssembly.compile(bytes as BufferSource);
  } catch (error) {
    if (error instanceof CoreError) throw error;
    throw new CoreError("E_LOAD", `cannot load the core: ${error instanceof Error ? error.message : String(error)}`);
  }
}

const noSuchFunction = (): number => WASI_ENOSYS;

/** What each module imports: asking a module makes the list anew each time. */
const importLists = new WeakMap<WebAssembly.Module, WebAssembly.ModuleImportDescriptor[]>();

function importsOf(module: WebAssembly.Module): readonly WebAssembly.ModuleImportDescriptor[] {
  let list = importLists.get(module);
  if (list === undefined) {
    list = WebAssembly.Module.imports(module);
    importLists.set(module, list);
  }
  return list;
}

/** Every import the module asks for: from the host where it has it, else a function that answers ENOSYS. */
function importsFor(module: WebAssembly.Module, host: WasiHost): WebAssembly.Imports {
  const functions: Record<string, ImportFunction> = {};
  for (const wanted of importsOf(module)) {
    if (wanted.module !== WASI_MODULE || wanted.kind !== "function") {
      throw new CoreError("E_LOAD", `the core imports ${wanted.kind} ${wanted.module}.${wanted.name}; expected functions of ${WASI_MODULE} only`);
    }
    functions[wanted.name] = Object.hasOwn(host.functions, wanted.name) ? (host.functions[wanted.name] as ImportFunction) : noSuchFunction;
  }
  return { [WASI_MODULE]: functions };
}

export interface Instance {
  readonly exports: CoreExports;
  readonly memory: MemoryViews;
}

/**
 * Instantiates a compiled core and runs its start code.
 * @throws CoreError `E_LOAD` for a module that is no core, `E_VERSION` for another ABI than this host's.
 */
export function instantiate(module: WebAssembly.Module, host: WasiHost): Instance {
  const instance = new WebAssembly.Instance(module, importsFor(module, host));
  // An ordinary object: properties of a module's own exports object are looked up by name at each call.
  const exports = { ...(instance.exports as unknown as CoreExports) };
  for (const name of REQUIRED_EXPORTS) {
    if (exports[name] === undefined) throw new CoreError("E_LOAD", `the module has no export "${name}"; expected a Lastack core`);
  }
  const memory = new MemoryViews(exports.memory);
  host.bind(memory);
  exports._initialize?.();
  const version = exports.abiVersion();
  if (version !== ABI_VERSION) throw new CoreError("E_VERSION", `the core speaks ABI ${version}; this host speaks ${ABI_VERSION}`);
  return { exports, memory };
}
