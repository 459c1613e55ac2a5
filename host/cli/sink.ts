/** Where received bytes go: a file, standard output, or nowhere. */
import { type FileHandle, open } from "node:fs/promises";
import { writeOutput } from "./output.ts";

export interface Sink {
  /** Settles when the bytes may be forgotten. Rejects when they cannot be taken. */
  write(bytes: Uint8Array): Promise<void>;
  /** @param complete That was all: a file is there from now on even if it was nothing. */
  close(complete: boolean): Promise<void>;
}

export const nowhere: Sink = { write: async () => {}, close: async () => {} };

/** Standard output; one that is closed by its reader (EPIPE) rejects the write. */
export const stdoutSink: Sink = { write: writeOutput, close: async () => {} };

/** A file, made or overwritten when its first bytes come. */
export function fileSink(option: string, path: string): Sink {
  let file: FileHandle | undefined;
  const opened = async (): Promise<FileHandle> => {
    file ??= await open(path, "w").catch((error: Error) => {
      throw new Error(`${option} is "${path}"; expected a file that can be written: ${error.message}`);
    });
    return file;
  };
  return {
    async write(bytes) {
      const into = await opened();
      for (let at = 0; at < bytes.length; ) {
        const { bytesWritten } = await into.write(bytes, at).catch((error: Error) => {
          throw new Error(`${path}: ${error.message}`);
        });
        at += bytesWritten;
      }
    },
    async close(complete) {
      if (complete) await opened();
      await file?.close();
    },
  };
}
