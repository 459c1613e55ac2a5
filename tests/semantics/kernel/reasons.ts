/** Rows whose situation cannot be made between two host sockets of one machine, and why. Other rows say so while they run. */
const REASONS: Readonly<Record<string, string>> = {};

export function notRunnable(id: string): string | undefined {
  return REASONS[id];
}
