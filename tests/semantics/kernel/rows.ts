/** Runs rows on the `host` provider: each line of a row that its verdict and its scenario allow. */
import { loadKoffi } from "../../../host/sockets/koffi.ts";
import { Check } from "../check.ts";
import type { Registered } from "../registry.ts";
import { COLUMNS, type RowLine } from "../table.ts";
import { NotRun } from "./protocol.ts";
import { whyNoNamespaces } from "./namespaces.ts";
import { needsWire, onHost } from "./reasons.ts";
import { reset, sockets } from "./thread.ts";

export type HostStatus = "pass" | "fail" | "untested" | "notRun" | "impossible" | "later" | "na" | "apart";

export interface HostOutcome {
  readonly id: string;
  readonly status: HostStatus;
  /** Why it failed, or was not run. */
  readonly why: string;
}

/** undefined = the line holds. */
async function attempt(line: RowLine, scenario: Registered, wired: boolean): Promise<Error | undefined> {
  const check = new Check(line, "host", wired);
  try {
    await scenario.scenario(check);
    check.finish();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  } finally {
    reset();
  }
}

/** What the table alone says: the row is not run, or undefined. */
function settled(lines: readonly RowLine[], scenario: Registered | undefined): Omit<HostOutcome, "id"> | undefined {
  const [line] = lines as [RowLine];
  if (line.inet === "host") return { status: "apart", why: "tests/host/sockets-rows.test.ts" };
  if (line.host === "later" || line.host === "na") return { status: line.host, why: line.inet.split(/:(.*)/)[1] ?? "" };
  if (line.host === "impossible") return { status: "impossible", why: line.rests };
  if (!scenario) return { status: "untested", why: "no scenario" };
  if (line.host === "needs-ffi" && !(process.platform === "linux" && sockets.koffi && loadKoffi())) return { status: "notRun", why: "needs koffi on Linux" };
  return undefined;
}

/**
 * Over a wire of its own where the row says something of segments or loopback cannot make the situation. Without such a wire, what a
 * row says beside its segments is looked at over loopback.
 */
async function attemptSomehow(line: RowLine, scenario: Registered): Promise<Error | undefined> {
  const why = sockets.koffi ? whyNoNamespaces() : "a wire of its own needs koffi";
  const segments = line.items.wire.length > 0;
  if (!why && (segments || needsWire(line.id))) return attempt(line, scenario, true);
  const onlySegments = segments && COLUMNS.every((column) => column === "wire" || line.items[column].length === 0);
  const failure = onlySegments || needsWire(line.id) ? new NotRun("looks at segments") : await attempt(line, scenario, false);
  if (!(failure instanceof NotRun)) return failure;
  return why ? new NotRun(why) : attempt(line, scenario, true);
}

export async function hostOutcome(lines: readonly RowLine[], scenario: Registered | undefined, verbose = false): Promise<HostOutcome> {
  const { id } = lines[0] as RowLine;
  const known = settled(lines, scenario);
  if (known) return { id, ...known };
  for (const line of lines) {
    const failure = await attemptSomehow(onHost(line), scenario as Registered);
    if (!failure) continue;
    if (failure instanceof NotRun) return { id, status: "notRun", why: failure.message };
    const where = line.setting === "-" ? "" : `${line.setting}: `;
    return { id, status: "fail", why: where + (verbose ? failure.stack : failure.message.split("\n")[0]) };
  }
  return { id, status: "pass", why: "" };
}

/** How many rows there are of each status. */
export function hostFigures(outcomes: readonly HostOutcome[]): Record<HostStatus, number> {
  const total: Record<HostStatus, number> = { pass: 0, fail: 0, untested: 0, notRun: 0, impossible: 0, later: 0, na: 0, apart: 0 };
  for (const { status } of outcomes) total[status]++;
  return total;
}
