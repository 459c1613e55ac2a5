/** Recorded traffic as material for mutations: every frame of the recordings in captures/ that was meant for 10.0.0.1. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readPcapng } from "../../host/device/index.ts";

export const CAPTURES: string = fileURLToPath(new URL("./captures/", import.meta.url));
const CORE_MAC = [2, 0, 0, 0, 0, 1];

/** The frames of all recordings, sent to the fuzzed core's hardware address unless they were for all. */
export function captures(folder: string = CAPTURES): Uint8Array[] {
  const names = readdirSync(folder).filter((name) => name.endsWith(".pcapng")).sort();
  return names.flatMap((name) => readPcapng(readFileSync(`${folder}/${name}`)).map((frame) => frame.bytes.slice())).filter((frame) => frame.length >= 14).map((frame) => {
    if (((frame[0] as number) & 1) === 0) frame.set(CORE_MAC, 0);
    return frame;
  });
}
