/**
 * Memory for the core's arena inside a spec. The specs' module has a heap behind its static data, which takes all the
 * memory there is at its first allocation: allocate once, then give the arena pages of its own.
 */
import { arenaTake } from "../../assembly/memory/arena";

const PAGES: i32 = 256;
let heap: i32[] = [];
let region: usize = 0;

/** Starts the arena over, on 16 MiB of its own. Call it instead of arenaReset before carving tables. */
export function freshArena(): void {
  if (!region) { heap = new Array<i32>(16); region = <usize>memory.grow(PAGES) << 16; }
  arenaTake(region, <u32>PAGES << 16);
}

/** The same, of which `pages` are there at first. */
export function freshArenaGrowing(pages: u32): void {
  freshArena();
  arenaTake(region, <u32>PAGES << 16, pages << 16);
}
