/** A wrong command line: its message goes to stderr, and the exit code is 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export const EXIT_OK = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;
/** All went as asked, but the operating system does not tell whether the peer has everything: a report that says `unknown`. */
export const EXIT_UNKNOWN = 3;
/** Ended by SIGINT, as shells say it. */
export const EXIT_INTERRUPTED = 130;
