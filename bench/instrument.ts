/**
 * Rewrites a WebAssembly module so that it counts what it executes: instructions by function, and the bytes that memory.copy and
 * memory.fill move. The counts are of the module as compiled, so they are the same on every machine and in every run.
 *
 * Every stretch of code that is entered at one place and left at another gets its number of instructions added when it is
 * entered. block, loop, else and end are no instructions.
 */

/** Exported globals, i64: ICOUNT + index of the function among those with a body; and bytes moved. */
export const ICOUNT = "icount:";
export const MOVED = "moved";

const SECTION = { custom: 0, type: 1, import: 2, function: 3, global: 6, export: 7, code: 10 } as const;
const I32 = 0x7f;
const I64 = 0x7e;
const MUTABLE = 1;
const GLOBAL = 3;
const OP = {
  unreachable: 0x00, block: 0x02, loop: 0x03, if: 0x04, else: 0x05, end: 0x0b, br: 0x0c, brIf: 0x0d, brTable: 0x0e, return: 0x0f,
  call: 0x10, callIndirect: 0x11, selectTyped: 0x1c, localGet: 0x20, localTee: 0x22, globalGet: 0x23, globalSet: 0x24, tableGet: 0x25, tableSet: 0x26,
  loadFirst: 0x28, storeLast: 0x3e, memorySize: 0x3f, memoryGrow: 0x40, i32Const: 0x41, i64Const: 0x42, f32Const: 0x43, f64Const: 0x44,
  i64Add: 0x7c, i64ExtendU: 0xad, refNull: 0xd0, refFunc: 0xd2, misc: 0xfc, simd: 0xfd,
} as const;
const MISC = { copy: 10, fill: 11 } as const;

class Source {
  at: number;
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  byte(): number {
    return this.bytes[this.at++] as number;
  }

  leb(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }

  /** Moves behind `count` of them. */
  lebs(count: number): void {
    for (let i = 0; i < count; i++) this.leb();
  }

  skip(bytes: number): void {
    this.at += bytes;
  }

  name(): string {
    const length = this.leb();
    this.skip(length);
    return new TextDecoder().decode(this.bytes.subarray(this.at - length, this.at));
  }

  /** limits of a table or memory. */
  limits(): void {
    if (this.leb() & 1) this.leb();
    this.leb();
  }
}

const leb = (value: number): number[] => (value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(Math.floor(value / 128))]);
/** Signed: a positive number whose last byte must not look negative. */
const sleb = (value: number): number[] => (value < 0x40 ? [value] : [(value & 0x7f) | 0x80, ...sleb(Math.floor(value / 128))]);

/** Moves behind the immediates of the instruction `op`. Returns the second opcode of 0xfc, else -1. */
function skipImmediates(source: Source, op: number): number {
  if (op === OP.misc) return skipMisc(source);
  if (op === OP.simd) skipSimd(source);
  else if (op >= OP.loadFirst && op <= OP.storeLast) source.lebs(2);
  else if (op === OP.brTable) for (let n = source.leb() + 1; n > 0; n--) source.leb();
  else if (op === OP.selectTyped) source.skip(source.leb());
  else if (op === OP.f32Const) source.skip(4);
  else if (op === OP.f64Const) source.skip(8);
  else if (op === OP.callIndirect) source.lebs(2);
  else if (
    (op >= OP.block && op <= OP.if) || op === OP.br || op === OP.brIf || op === OP.call || (op >= OP.localGet && op <= OP.tableSet) ||
    op === OP.memorySize || op === OP.memoryGrow || op === OP.i32Const || op === OP.i64Const || op === OP.refNull || op === OP.refFunc
  ) source.leb();
  return -1;
}

function skipMisc(source: Source): number {
  const op = source.leb();
  const immediates = op < 8 ? 0 : op === 9 || op === MISC.fill || op === 13 || op >= 15 ? 1 : 2;
  for (let i = 0; i < immediates; i++) source.leb();
  return op;
}

function skipSimd(source: Source): void {
  const op = source.leb();
  const memory = op <= 11 || (op >= 84 && op <= 93);
  if (memory) source.lebs(2);
  if (op === 12 || op === 13) source.skip(16);
  else if ((op >= 21 && op <= 34) || (op >= 84 && op <= 91)) source.skip(1);
}

/** Adds what stands on the stack as i64 to a global. */
const addTo = (global: number): number[] => [OP.globalGet, ...leb(global), OP.i64Add, OP.globalSet, ...leb(global)];

/** One function's body without its size: with counting of instructions in `counter`, of bytes in `moved`. */
function rewriteBody(source: Source, end: number, parameters: number, counter: number, moved: number): number[] {
  const out: number[] = [];
  const groupsAt = source.at;
  const groups = source.leb();
  let locals = parameters;
  for (let i = 0; i < groups; i++) {
    locals += source.leb();
    source.leb();
  }
  const declared = [...source.bytes.subarray(groupsAt, source.at)].slice(leb(groups).length);
  out.push(...leb(groups + 1), ...declared, 1, I32);
  const temporary = locals;
  let stretch: number[] = [];
  let count = 0;
  const flush = (): void => {
    if (count > 0) out.push(OP.i64Const, ...sleb(count), ...addTo(counter));
    out.push(...stretch);
    stretch = [];
    count = 0;
  };
  while (source.at < end) {
    const at = source.at;
    const op = source.byte();
    const second = skipImmediates(source, op);
    const structure = op === OP.block || op === OP.loop || op === OP.else || op === OP.end;
    if (!structure) count++;
    if (op === OP.misc && (second === MISC.copy || second === MISC.fill)) {
      stretch.push(OP.localTee, ...leb(temporary), OP.localGet, ...leb(temporary), OP.i64ExtendU, ...addTo(moved));
    }
    for (let i = at; i < source.at; i++) stretch.push(source.bytes[i] as number);
    const boundary = op === OP.loop || op === OP.if || op === OP.else || op === OP.end || op === OP.br || op === OP.brIf || op === OP.brTable || op === OP.return || op === OP.unreachable;
    if (boundary) flush();
  }
  flush();
  return out;
}

interface Section {
  readonly id: number;
  readonly from: number;
  readonly to: number;
}

function sectionsOf(bytes: Uint8Array): Section[] {
  const source = new Source(bytes, 8);
  const sections: Section[] = [];
  while (source.at < bytes.length) {
    const id = source.byte();
    const size = source.leb();
    sections.push({ id, from: source.at, to: source.at + size });
    source.skip(size);
  }
  return sections;
}

/** What a module has, as far as rewriting needs it. */
interface Shape {
  /** Number of parameters by type. */
  readonly parameters: readonly number[];
  /** Type by function with a body. */
  readonly types: readonly number[];
  readonly importedFunctions: number;
  readonly importedGlobals: number;
}

function shapeOf(bytes: Uint8Array, sections: readonly Section[]): Shape {
  const open = (id: number): Source | undefined => {
    const section = sections.find((one) => one.id === id);
    return section && new Source(bytes, section.from);
  };
  const list = <T>(source: Source | undefined, each: (from: Source) => T): T[] => (source ? Array.from({ length: source.leb() }, () => each(source)) : []);
  const parameters = list(open(SECTION.type), (source) => {
    source.byte();
    const count = source.leb();
    source.skip(count);
    source.skip(source.leb());
    return count;
  });
  const imports = list(open(SECTION.import), (source) => {
    source.name();
    source.name();
    const kind = source.byte();
    if (kind === 0) source.leb();
    else if (kind === GLOBAL) source.skip(2);
    else {
      if (kind === 1) source.byte();
      source.limits();
    }
    return kind;
  });
  return {
    parameters,
    types: list(open(SECTION.function), (source) => source.leb()),
    importedFunctions: imports.filter((kind) => kind === 0).length,
    importedGlobals: imports.filter((kind) => kind === GLOBAL).length,
  };
}

const withSize = (id: number, content: readonly number[]): Uint8Array => Uint8Array.from([id, ...leb(content.length), ...content]);
const text = (value: string): number[] => [...leb(value.length), ...new TextEncoder().encode(value)];

function rewriteCode(bytes: Uint8Array, from: number, shape: Shape, firstCounter: number): Uint8Array {
  const source = new Source(bytes, from);
  const count = source.leb();
  const moved = firstCounter + count;
  const parts: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    const size = source.leb();
    const end = source.at + size;
    const body = rewriteBody(source, end, shape.parameters[shape.types[i] as number] as number, firstCounter + i, moved);
    parts.push(Uint8Array.from([...leb(body.length), ...body]));
  }
  const length = parts.reduce((sum, part) => sum + part.length, leb(count).length);
  return Buffer.concat([Uint8Array.from([SECTION.code, ...leb(length), ...leb(count)]), ...parts]);
}

/** A module with more globals and exports than before. */
export function instrument(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const sections = sectionsOf(bytes);
  const shape = shapeOf(bytes, sections);
  const globals = sections.find(({ id }) => id === SECTION.global);
  if (!globals) throw new Error("the module has no globals; expected a Lastack core");
  const own = new Source(bytes, globals.from).leb();
  const first = shape.importedGlobals + own;
  const added = shape.types.length + 1;
  const rest = (section: Section): Uint8Array => {
    const source = new Source(bytes, section.from);
    source.leb();
    return bytes.subarray(source.at, section.to);
  };
  const parts: Uint8Array[] = [bytes.subarray(0, 8)];
  for (const section of sections) {
    if (section.id === SECTION.global) {
      const news = Array.from({ length: added }, () => [I64, MUTABLE, OP.i64Const, 0, OP.end]).flat();
      parts.push(withSize(section.id, [...leb(own + added), ...rest(section), ...news]));
    } else if (section.id === SECTION.export) {
      const news = Array.from({ length: added }, (_, i) => [...text(i === added - 1 ? MOVED : `${ICOUNT}${i}`), GLOBAL, ...leb(first + i)]).flat();
      parts.push(withSize(section.id, [...leb(new Source(bytes, section.from).leb() + added), ...rest(section), ...news]));
    } else if (section.id === SECTION.code) parts.push(rewriteCode(bytes, section.from, shape, first));
    else if (section.id !== SECTION.custom) parts.push(withSize(section.id, [...bytes.subarray(section.from, section.to)]));
  }
  return new Uint8Array(Buffer.concat(parts));
}

/** Names of the functions with a body, from the name section; undefined without one. */
export function functionNames(bytes: Uint8Array): readonly string[] | undefined {
  const sections = sectionsOf(bytes);
  const { importedFunctions, types } = shapeOf(bytes, sections);
  for (const { id, from, to } of sections) {
    const source = new Source(bytes, from);
    if (id !== SECTION.custom || source.name() !== "name") continue;
    while (source.at < to) {
      const kind = source.byte();
      const size = source.leb();
      if (kind !== 1) {
        source.skip(size);
        continue;
      }
      const names = new Map(Array.from({ length: source.leb() }, () => [source.leb(), source.name()] as const));
      return types.map((_, i) => names.get(i + importedFunctions) ?? `function ${i}`);
    }
  }
  return undefined;
}

/** Sizes of the functions with a body, bytes of code. */
export function functionSizes(bytes: Uint8Array): readonly number[] {
  const code = sectionsOf(bytes).find(({ id }) => id === SECTION.code);
  if (!code) return [];
  const source = new Source(bytes, code.from);
  return Array.from({ length: source.leb() }, () => {
    const before = source.at;
    source.skip(source.leb());
    return source.at - before;
  });
}
