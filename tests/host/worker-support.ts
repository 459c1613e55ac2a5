/** For the tests of stacks in threads: a core whose calls trap on demand. */
import { readFileSync } from "node:fs";

const EXPORT_SECTION = 7;
const CODE_SECTION = 10;
const UNREACHABLE = 0x00;
const NOP = 0x01;
const END = 0x0b;

/** Reads a module; positions move on with each value. */
class Reader {
  at = 8;
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  leb(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.bytes[this.at++] as number;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }

  name(): string {
    const length = this.leb();
    this.at += length;
    return new TextDecoder().decode(this.bytes.subarray(this.at - length, this.at));
  }

  skip(bytes: number): void {
    this.at += bytes;
  }

  /** Moves to the content of a section. */
  section(id: number): this {
    this.at = 8;
    for (;;) {
      const found = this.bytes[this.at++];
      const size = this.leb();
      if (found === id) return this;
      this.at += size;
    }
  }
}

/** The default core, in which the exported function `name` traps. */
export function trappingCore(name: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(readFileSync(new URL("../../build/lastack.wasm", import.meta.url)));
  const module = new WebAssembly.Module(bytes);
  const imported = WebAssembly.Module.imports(module).filter(({ kind }) => kind === "function").length;
  const reader = new Reader(bytes).section(EXPORT_SECTION);
  let index = -1;
  for (let left = reader.leb(); left > 0; left--) {
    const found = reader.name();
    const kind = bytes[reader.at++];
    const value = reader.leb();
    if (found === name && kind === 0) index = value - imported;
  }
  if (index < 0) throw new Error(`the core has no function ${name}`);
  reader.section(CODE_SECTION).leb();
  for (; index > 0; index--) reader.skip(reader.leb());
  const length = reader.leb();
  const end = reader.at + length;
  for (let groups = reader.leb(); groups > 0; groups--) {
    reader.leb();
    reader.leb();
  }
  bytes.fill(NOP, reader.at, end);
  bytes[reader.at] = UNREACHABLE;
  bytes[end - 1] = END;
  return bytes;
}
