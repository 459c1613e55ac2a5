/** Rows whose situation cannot be made between two host sockets of one machine, and why. Other rows say so while they run. */
const REASONS: Readonly<Record<string, string>> = {
  "C-60": "needs two FINs that pass each other",
  "S-43": "needs two FINs that pass each other",
  "H-19": "looks for unacknowledged bytes in the core, which here are the kernel's",
  "H-24": "compares functions of the core with its table, which stand in another thread",
  "O-12": "needs the wildcard, which stands for one address here because both cores share a machine",
};

export function notRunnable(id: string): string | undefined {
  return REASONS[id];
}
