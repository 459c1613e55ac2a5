/** Where received bytes go: a file, standard output, or nowhere. */
import { open } from "node:fs/promises";

export interface Sink {
  /** Settles when the bytes may be forgotten. Rejects when they cannot be taken. */
  write(bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

export const nowhere: Sink = { write: async () => {}, close: async () => {} };

/** Standard output; one that is closed by its reader (EPIPE) rejects the write. */
export function stdoutSink(): Sink {
  // Without a listener a closed pipe ends the process; the write's callback tells the same.
  const ignore = (): void => {};
  process.stdout.on("error", ignore);
  return {
    write: (bytes) => new Promise((resolve, reject) => {
      process.stdout.write(bytes, (error) => (error ? reject(new Error(`standard output: ${error.message}`)) : resolve()));
    }),
    close: async () => {},
  };
}

/** A file, made or overwritten. */
export async function fileSink(path: string): Promise<Sink> {
  const file = await open(path, "w");
  return {
    async write(bytes) {
      for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten;
    },
    close: () => file.close(),
  };
}
