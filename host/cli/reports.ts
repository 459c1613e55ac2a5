/** Close reports as text, and what they mean for the exit code. */
import type { CloseReport } from "../index.ts";
import { EXIT_FAILED, EXIT_OK, EXIT_UNKNOWN } from "./usage.ts";

const count = (bytes: number): string => bytes.toLocaleString("en-US");

/** `graceful: 80 bytes sent, 80 acknowledged; …`, without the connection's name. */
export function reportLine(report: CloseReport): string {
  const { sent, acknowledged, unacknowledged, discarded } = report.bytes;
  const why = [report.cause === "none" ? "" : report.cause, report.error?.code ?? ""].filter(Boolean).join(", ");
  const bytes = [
    `${count(sent)} bytes sent`,
    report.outcome === "unknown" ? "acknowledged: not known" : `${count(acknowledged)} acknowledged`,
    ...(unacknowledged > 0 && report.outcome !== "unknown" ? [`${count(unacknowledged)} not`] : []),
    ...(discarded > 0 ? [`${count(discarded)} received and not read`] : []),
  ];
  return `${report.outcome}${why && ` (${why})`}: ${bytes.join(", ")}; peer's FIN ${report.peerFin ? "seen" : "not seen"}; after ${report.durationMs} ms`;
}

/** What a connection's end is worth to whoever wanted everything delivered. */
export function exitCodeFor({ outcome }: CloseReport): number {
  if (outcome === "graceful" || outcome === "delivered") return EXIT_OK;
  return outcome === "unknown" ? EXIT_UNKNOWN : EXIT_FAILED;
}
