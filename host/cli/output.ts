/** Standard output that fails: a reader that goes away (`lastack serve . | head -1`) or a full disk ends a command, gently. */

const failed = new AbortController();
let failure: string | undefined;
let told = false;

/** What went wrong, in words. */
function wordsFor(error: NodeJS.ErrnoException): string {
  return `standard output: ${error.code === "EPIPE" ? "its reader has gone" : error.message}`;
}

/** Aborts when standard output takes no more; commands then close what is open, as after Ctrl-C. */
export const outputFailed: AbortSignal = failed.signal;

/** Listens for failures for as long as the process lives: without a listener they would end it with a stack trace. */
export function watchOutput(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    failure ??= wordsFor(error);
    failed.abort();
  });
  // Nobody is left to be told.
  process.stderr.on("error", () => {});
}

/** Writes to standard output; settles when the bytes are taken. Whoever meets the rejection tells of it. */
export function writeOutput(bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(bytes, (error) => {
      if (!error) return resolve();
      told = true;
      reject(new Error(wordsFor(error)));
    });
  });
}

/** The failure that nobody has told of yet. */
export function untoldFailure(): string | undefined {
  return told ? undefined : failure;
}
