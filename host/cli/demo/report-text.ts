/** Close reports, and what a kernel's program observed, as lines of text. */
import type { SideResult } from "./run.ts";
import type { Side } from "./steps.ts";

const count = (bytes: number): string => bytes.toLocaleString("en-US");

export function reportLines(side: Side, result: SideResult): string[] {
  const head = `${side}: `.padEnd(8);
  if ("observed" in result) {
    const { observed } = result;
    if (!observed) return [`${head}nothing was observed`];
    return [`${head}plain socket received ${count(observed.bytes)} bytes, ${observed.end ? "saw the end" : "saw no end"}, ${observed.error ?? "no error"}`];
  }
  const { report } = result;
  if (!report) return [`${head}no report`];
  const { sent, acknowledged, unacknowledged, discarded } = report.bytes;
  const why = report.cause === "none" ? "" : ` (${report.cause})`;
  return [
    `${head}close report: ${report.outcome}${why}${report.error ? `, ${report.error.code} ${report.error.wsa}` : ""}`,
    `        sent ${count(sent)} bytes, ${count(acknowledged)} acknowledged, ${count(unacknowledged)} not, ${count(discarded)} received and not read;`,
    `        peer's FIN ${report.peerFin ? "seen" : "not seen"}; closed in ${report.state}, settled after ${report.durationMs} ms`,
  ];
}
