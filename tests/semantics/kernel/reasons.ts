/** What rows need of the kernel beside two sockets that talk over loopback, and where its answer is a lesser one. */
import type { Column, RowLine } from "../table.ts";

/** Rows that run over loopback but need a wire of their own there: FINs that pass each other, a machine for each end. */
const WIRE = ["C-60", "S-43", "H-19"];

export function needsWire(id: string): boolean {
  return WIRE.includes(id);
}

/** What is asked of the kernel's clock, which is real. */
export interface KernelTime {
  /** Real milliseconds without a sign of life after which none is expected. */
  readonly patienceMs?: number;
  /** net.ipv4 of both namespaces. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Nothing is repeated that is only on its way, however busy the machine. */
const UNHURRIED: KernelTime = { settings: { tcp_rto_min_us: "1000000", tcp_early_retrans: "0" } };

/** Megabytes over a slow wire: a busy machine takes longer for them than the wire. */
const LONG: KernelTime = { settings: { ...UNHURRIED.settings, tcp_rto_min_us: "20000000" } };

/** Linux gives a connection up after about 0.7 s. */
const IMPATIENT: KernelTime = { patienceMs: 1500, settings: { tcp_retries2: "1" } };

const TIMES: Readonly<Record<string, KernelTime>> = {
  "C-02": LONG,
  "C-03": LONG,
  // The keep-alive of Node's sockets: ten probes, one a second.
  "E-28": IMPATIENT,
  "R-31": { patienceMs: 1500 },
  "E-65": { patienceMs: 5000, settings: { tcp_syn_retries: "2" } },
  // A probe comes after the same time as a repetition.
  "W-03": { ...UNHURRIED, patienceMs: 2500 },
  "W-04": {},
  "R-32": IMPATIENT,
  "S-31": IMPATIENT,
};

export function kernelTime(id: string): KernelTime {
  return TIMES[id] ?? UNHURRIED;
}

interface Lesser {
  readonly items: Partial<Record<Column, readonly string[]>>;
  readonly why: string;
}

const ACKNOWLEDGED = "the kernel acknowledges the bytes before they reach whoever resets (N-15, N-17)";
const KERNEL_WAITS = "TIME_WAIT is the kernel's, 60 s of its own clock, and cannot be ended (N-23)";

/** The documented lesser answers, by row or by its reading of a switch: what stands instead of the row's items. */
const LESSER: Readonly<Record<string, Lesser>> = {
  "C-11": { items: { peer: ["recv:0|recv:10053"] }, why: "a reset behind the peer's FIN is seen at the next look, 1 s later at most (N-10)" },
  "C-12": { items: { state: ["CLOSED", "CLOSED", "TIME_WAIT"] }, why: KERNEL_WAITS },
  "C-45": { items: { wire: ["ack?", "RST seq=segAck"] }, why: ACKNOWLEDGED },
  "T-10": { items: { state: ["TIME_WAIT", "TIME_WAIT|CLOSED", "CLOSED"] }, why: KERNEL_WAITS },
  "V-10=B": { items: { wire: ["none", "none", "none|ack"] }, why: "the kernel acknowledges bytes that are only kept (N-17)" },
  "W-13": { items: { wire: ["ack?", "RST", "!FIN"] }, why: ACKNOWLEDGED },
  "W-16": { items: { wire: ["RST", "ack?", "RST"] }, why: ACKNOWLEDGED },
  "W-21": { items: { state: ["TIME_WAIT|CLOSED", "TIME_WAIT|CLOSED"] }, why: KERNEL_WAITS },
};

function lesserOf({ id, setting }: RowLine): Lesser | undefined {
  return LESSER[id] ?? (setting.startsWith(id) ? LESSER[setting] : undefined);
}

/** Why the row, or one of its readings, has a lesser answer on host sockets; undefined if none has. */
export function lesserBecause(lines: readonly RowLine[]): string | undefined {
  return lines.map(lesserOf).find((one) => one !== undefined)?.why;
}

/** The row as it holds on host sockets. */
export function onHost(line: RowLine): RowLine {
  const lesser = lesserOf(line);
  return lesser ? { ...line, items: { ...line.items, ...lesser.items } } : line;
}
