/** Throughput of one connection by loss and delay, in virtual time: a change of recovery or congestion control shows as a diff. */
import { LASTACK_WAIT } from "../../host/abi/errors.gen.ts";
import { SD_SEND } from "../../host/abi/winsock.gen.ts";
import { memoryLink } from "../../host/device/index.ts";
import { World } from "../../host/driver/index.ts";
import { Spi } from "../host/support/spi.ts";
import { mismatch, pattern } from "./pattern.ts";

export const LOSSES = [0, 0.1, 1, 5] as const;
export const DELAYS = [0, 20, 100] as const;
const BYTES = 1 << 20;
/** Runs per cell: one lost segment more or less must not decide. */
const SEEDS = 5;
const PORT = 7000;
const RATE = 100_000_000;
const WITHIN_MS = 3_600_000;
const PIECE = 32_000;

export interface Cell {
  readonly lossPercent: number;
  readonly delayMs: number;
  /** Median over the seeds, from the first send to the last byte read. */
  readonly kilobytesPerSecond: number;
  /** Sums over the seeds. */
  readonly retransmitted: number;
  readonly timeouts: number;
}

/** One transfer; ms it took and the sender's counters. */
function transfer(module: WebAssembly.Module, lossPercent: number, delayMs: number, seed: number): { ms: number; retransmitted: number; timeouts: number } {
  const world = new World({ seed });
  const link = memoryLink({ clock: world.clock, seed, delayMs, loss: lossPercent / 100, rateBitsPerSecond: RATE });
  const a = new Spi(module, world, link.a, "10.0.0.1/24");
  const b = new Spi(module, world, link.b, "10.0.0.2/24");
  if (a.startup() | b.startup()) throw new Error("WSPStartup failed");
  const listener = b.listener(PORT);
  const s = a.socket();
  if (a.until(() => a.connect(s, "10.0.0.2", PORT)) !== 0) throw new Error(`connect: ${a.err}`);
  const t = b.until(() => b.accept(listener));
  const start = world.nowMs;
  let sent = 0;
  let got = 0;
  const write = (): void => {
    while (sent < BYTES) {
      const n = a.send(s, pattern(1, sent, Math.min(PIECE, BYTES - sent)));
      if (n < 0) {
        if (a.err !== LASTACK_WAIT) throw new Error(`send: ${a.err}`);
        return;
      }
      sent += n;
    }
    a.shutdown(s, SD_SEND);
  };
  const read = (): void => {
    for (let part = b.recv(t); part && part.length > 0; part = b.recv(t)) {
      if (mismatch(1, got, part) >= 0) throw new Error(`wrong byte after ${got}`);
      got += part.length;
    }
  };
  write();
  read();
  const done = world.runUntil(() => {
    if (a.wakes.length > 0 && sent < BYTES) { a.wakes.length = 0; write(); }
    if (b.wakes.length > 0) { b.wakes.length = 0; read(); }
    return got === BYTES;
  }, WITHIN_MS);
  if (!done) throw new Error(`${got} of ${BYTES} bytes after ${WITHIN_MS} ms`);
  const stats = a.core.stats();
  link.close();
  return { ms: world.nowMs - start, retransmitted: stats.tcpRetransSegs, timeouts: stats.tcpTimeouts };
}

/** The whole table; the same for the same core. */
export function lossTable(module: WebAssembly.Module): Cell[] {
  return LOSSES.flatMap((lossPercent) => DELAYS.map((delayMs) => {
    const runs = Array.from({ length: lossPercent === 0 ? 1 : SEEDS }, (_, i) => transfer(module, lossPercent, delayMs, i + 1));
    const times = runs.map(({ ms }) => ms).sort((x, y) => x - y);
    const median = times[times.length >> 1] as number;
    return {
      lossPercent, delayMs,
      kilobytesPerSecond: Math.round(BYTES / median),
      retransmitted: runs.reduce((sum, one) => sum + one.retransmitted, 0),
      timeouts: runs.reduce((sum, one) => sum + one.timeouts, 0),
    };
  }));
}

/** docs/loss-table.md. */
export function renderLossTable(cells: readonly Cell[]): string {
  const at = (loss: number, delay: number): Cell | undefined => cells.find((one) => one.lossPercent === loss && one.delayMs === delay);
  const row = (loss: number): string => {
    const texts = DELAYS.map((delay) => {
      const cell = at(loss, delay);
      return cell ? `${cell.kilobytesPerSecond} (${cell.retransmitted}, ${cell.timeouts})` : "";
    });
    return `| ${loss} % | ${texts.join(" | ")} |`;
  };
  return `# Throughput by loss and delay

One connection sends 1 MiB over a link of 100 Mbit/s in virtual time, with the default configuration: kilobytes per second, median of
${SEEDS} seeds, and in parentheses the segments retransmitted and the retransmission timeouts of all seeds together. Losses are independent
and hit both directions; the delay is one way. Virtual time makes every run exact: the table says what recovery and congestion control do, and
nothing about the speed of a machine. \`npm run losstable\` writes it, and a test compares it.

| loss | ${DELAYS.map((delay) => `${delay} ms`).join(" | ")} |
|---|${DELAYS.map(() => "---:|").join("")}
${LOSSES.map(row).join("\n")}
`;
}
