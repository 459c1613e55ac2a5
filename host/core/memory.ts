/**
 * Cached views of a core's linear memory. `memory.grow` detaches the old buffer and its views read as empty, so a length of
 * zero is the cheap sign that they must be made again (asking `memory.buffer` each time costs more than the work around it).
 */
export class MemoryViews {
  readonly memory: WebAssembly.Memory;
  u8: Uint8Array;
  i32: Int32Array;
  data: DataView;

  constructor(memory: WebAssembly.Memory) {
    this.memory = memory;
    const buffer = memory.buffer;
    this.u8 = new Uint8Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.data = new DataView(buffer);
  }

  /** Call before using the views after any call into the core. */
  ensure(): void {
    if (this.u8.length === 0) this.#refresh();
  }

  #refresh(): void {
    const buffer = this.memory.buffer;
    this.u8 = new Uint8Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.data = new DataView(buffer);
  }

  /** An unsigned 32-bit word; `ptr` is a multiple of 4. */
  word(ptr: number): number {
    return (this.i32[ptr >>> 2] as number) >>> 0;
  }

  /** A u64 as a number: exact up to 2^53, which no byte counter reaches. */
  wide(ptr: number): number {
    return this.word(ptr) + this.word(ptr + 4) * 0x1_0000_0000;
  }
}
