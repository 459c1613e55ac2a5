/**
 * How frames of a TAP descriptor reach the event loop. The pipe handle is real epoll without a thread and answers twice as
 * fast as a waiting thread, but it is Node's own and undocumented (DEP0111); the waiting thread works wherever koffi does.
 */
import { Socket } from "node:net";
import { DEVICE_SEGMENT_OFFLOAD } from "../abi/link.gen.ts";
import type { TapHandle } from "./tap-system.ts";

/** Whom an input tells. */
export interface InputSink {
  /** A frame; copy it now. Returns false when there is no room for another: input stops until `resume`. */
  frame(bytes: Uint8Array, length: number): boolean;
  /** The frames there were are handed over, for now. Returns whether there is room for more. */
  drained(): boolean;
  /** The device is gone. */
  gone(error: Error): void;
}

export interface TapInput {
  readonly method: "pipe" | "poll";
  resume(): void;
  close(): void;
  ref(): void;
  unref(): void;
}

/** Longest frame a TAP hands over, and some: a shorter buffer would cut frames silently after the interface's MTU was raised. */
const BUFFER = 65536 + 64;
/** Frames taken per wake-up before the event loop goes on. */
const DRAIN_MAX = 64;

/** Reads until nothing is left, the sink is full or DRAIN_MAX. Returns false when the device is gone. */
function drain(tap: TapHandle, buffer: Uint8Array, sink: InputSink): boolean {
  for (let i = 0; i < DRAIN_MAX; i++) {
    const length = tap.read(buffer);
    if (length < 0) return false;
    if (length === 0 || !sink.frame(buffer, length)) break;
  }
  return true;
}

interface PipeHandle {
  open(fd: number): number;
  close(): void;
}

type PipeBinding = { Pipe: new (type: number) => PipeHandle; constants: { SOCKET: number } };

/** libuv's pipe on the descriptor, or undefined where Node does not hand it out. */
function openPipe(fd: number): PipeHandle | undefined {
  try {
    const { binding } = process as unknown as { binding?(name: string): PipeBinding };
    const wrap = binding?.call(process, "pipe_wrap");
    if (!wrap) return undefined;
    const handle = new wrap.Pipe(wrap.constants.SOCKET);
    const result = handle.open(fd);
    return result === undefined || result === 0 ? handle : undefined;
  } catch {
    return undefined;
  }
}

/** The socket owns the descriptor from now on and closes it. */
function pipeInput(tap: TapHandle, handle: PipeHandle, sink: InputSink): TapInput {
  const buffer = new Uint8Array(BUFFER);
  const extra = tap.capabilities & DEVICE_SEGMENT_OFFLOAD ? undefined : new Uint8Array(BUFFER);
  const socket = new Socket({
    handle,
    writable: false,
    onread: {
      buffer,
      callback(length: number) {
        // One read of a TAP is one frame; what else waits is fetched now rather than with one wake-up each. That the device
        // is gone is left to libuv's next read to find.
        // Not where frames are long: the sink's reader gets those itself, without a copy in between.
        if (sink.frame(buffer, length) && extra) drain(tap, extra, sink);
        return sink.drained();
      },
    },
  } as unknown as ConstructorParameters<typeof Socket>[0]);
  socket.on("error", (error) => sink.gone(error));
  socket.on("end", () => sink.gone(new Error("end of input")));
  socket.resume();
  return {
    method: "pipe",
    resume: () => void socket.resume(),
    close: () => void socket.destroy(),
    ref: () => void socket.ref(),
    unref: () => void socket.unref(),
  };
}

function pollInput(tap: TapHandle, sink: InputSink): TapInput {
  const buffer = new Uint8Array(BUFFER);
  let closed = false;
  let waiting = false;
  const wait = (): void => {
    if (closed || waiting) return;
    waiting = true;
    tap.whenReadable(() => {
      waiting = false;
      if (closed) return;
      const there = drain(tap, buffer, sink);
      const room = sink.drained();
      if (!there) sink.gone(new Error("the device was removed"));
      else if (room) wait();
    });
  };
  wait();
  return {
    method: "poll",
    resume: wait,
    close() {
      closed = true;
      tap.close();
    },
    // A thread of the pool that waits holds the process; there is no way to tell it not to.
    ref() {},
    unref() {},
  };
}

/** Starts input from a TAP. `method` forces one; by default the pipe, and the waiting thread where there is none. */
export function tapInput(tap: TapHandle, sink: InputSink, method?: "pipe" | "poll"): TapInput {
  const handle = method === "poll" ? undefined : openPipe(tap.fd);
  if (handle) return pipeInput(tap, handle, sink);
  if (method === "pipe") throw new Error("this runtime hands out no pipe handle; leave the input method out");
  return pollInput(tap, sink);
}
