/** The two kinds of peer that the rows of chapter N are checked against: plain node:net, and kernel sockets with nothing of Node between. */
import * as dgram from "node:dgram";
import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import * as net from "node:net";
import { EAGAIN, RawSocket } from "./sockets-raw.ts";
import { LOCALHOST } from "./sockets-stack.ts";
import { until } from "./sockets-support.ts";

/** States as include/net/tcp_states.h counts. */
export const KERNEL = { ESTABLISHED: 1, SYN_SENT: 2, FIN_WAIT1: 4, FIN_WAIT2: 5, TIME_WAIT: 6, CLOSE_WAIT: 8 } as const;

/** One end of a loopback connection, as /proc/net/tcp tells of it. */
export interface KernelEntry {
  readonly state: number;
  /** Bytes that arrived and nobody read. */
  readonly unread: number;
  /** 0 none, 1 something is to be sent again, 2 keep-alive or FIN_WAIT2, 3 TIME_WAIT, 4 probes of a closed window. */
  readonly timer: number;
  readonly inode: string;
}

const hex = (port: number): string => `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;

function entriesWith(part: string): KernelEntry[] {
  return readFileSync("/proc/net/tcp", "latin1").split("\n").filter((line) => line.includes(part)).map((line) => {
    const [, , , state, queues, timer, , , , inode] = line.trim().split(/\s+/) as string[];
    return {
      state: Number.parseInt(state as string, 16), unread: Number.parseInt((queues as string).split(":")[1] as string, 16),
      timer: Number.parseInt(timer as string, 16), inode: inode as string,
    };
  });
}

/** The end with these ports; undefined: the kernel knows of none. */
export function kernelEntry(local: number, remote: number): KernelEntry | undefined {
  return entriesWith(` ${hex(local)} ${hex(remote)} `)[0];
}

export function kernelState(local: number, remote: number): number | undefined {
  return kernelEntry(local, remote)?.state;
}

/** States of all ends that others have towards this port. */
export function statesTowards(port: number): number[] {
  return entriesWith(` ${hex(port)} `).filter(({ inode }) => inode !== "0").map(({ state }) => state);
}

/** This process's descriptor of the end with these ports. */
export function descriptorOf(local: number, remote: number): number {
  const wanted = `socket:[${kernelEntry(local, remote)?.inode}]`;
  for (const fd of readdirSync("/proc/self/fd")) {
    try {
      if (readlinkSync(`/proc/self/fd/${fd}`) === wanted) return Number(fd);
    } catch {
      // The descriptor that the listing itself used.
    }
  }
  throw new Error(`no descriptor has ${wanted}`);
}

export interface Ending {
  readonly bytes: number;
  /** A FIN, or the connection is gone from the kernel: what a program is told of a reset behind data is not always the truth (N-09). */
  readonly end: "fin" | "reset";
}

/** One connection of the peer's. It reads nothing until `read` is called. */
export interface RowPeer {
  readonly port: number;
  /** The first of what was read. */
  readonly text: string;
  /** Reads to the end. */
  read(): Promise<Ending>;
  send(data: Uint8Array | string): void;
  finish(): void;
  reset(): void;
  close(): void;
}

export interface RowListener {
  readonly port: number;
  accept(): Promise<RowPeer>;
  close(): Promise<void>;
}

export interface RowDatagrams {
  readonly port: number;
  /** Datagrams so far. */
  received(): number;
  send(text: string, port: number): void;
  close(): Promise<void>;
}

export interface PeerKind {
  readonly name: "node:net" | "raw kernel peer";
  listen(): Promise<RowListener>;
  connect(port: number): Promise<RowPeer>;
  datagrams(): Promise<RowDatagrams>;
}

const TEXT_MAX = 64;

class NetPeer implements RowPeer {
  readonly port: number;
  text = "";
  readonly #socket: net.Socket;
  readonly #remote: number;
  readonly #ended: Promise<void>;
  #bytes = 0;

  constructor(socket: net.Socket) {
    this.#socket = socket;
    this.port = socket.localPort as number;
    this.#remote = socket.remotePort as number;
    this.#ended = new Promise((resolve) => {
      socket.on("end", () => resolve());
      socket.on("error", () => resolve());
    });
  }

  async read(): Promise<Ending> {
    this.#socket.on("data", (chunk: Buffer) => {
      this.#bytes += chunk.length;
      if (this.text.length < TEXT_MAX) this.text += chunk.toString("latin1", 0, TEXT_MAX);
    });
    // It was paused on purpose, which a listener for data does not undo.
    this.#socket.resume();
    await this.#ended;
    return { bytes: this.#bytes, end: kernelState(this.port, this.#remote) === undefined ? "reset" : "fin" };
  }

  send(data: Uint8Array | string): void {
    this.#socket.write(data);
  }
  finish(): void {
    this.#socket.end();
  }
  reset(): void {
    this.#socket.resetAndDestroy();
  }
  close(): void {
    this.#socket.destroy();
  }
}

const netKind: PeerKind = {
  name: "node:net",
  async listen() {
    const waiting: net.Socket[] = [];
    const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => void waiting.push(socket)).listen(0, LOCALHOST);
    await once(server, "listening");
    return {
      port: (server.address() as net.AddressInfo).port,
      async accept() {
        await until("a connection", () => waiting.length > 0);
        return new NetPeer(waiting.shift() as net.Socket);
      },
      async close() {
        for (const socket of waiting) socket.destroy();
        server.close();
        await new Promise((resolve) => setImmediate(resolve));
      },
    };
  },
  async connect(port) {
    const socket = new net.Socket({ allowHalfOpen: true });
    socket.pause();
    socket.connect(port, LOCALHOST);
    await once(socket, "connect");
    return new NetPeer(socket);
  },
  async datagrams() {
    let count = 0;
    const socket = dgram.createSocket("udp4", () => void count++).bind(0, LOCALHOST);
    await once(socket, "listening");
    return {
      port: socket.address().port,
      received: () => count,
      send: (text, port) => socket.send(text, port, LOCALHOST),
      close: () => new Promise((resolve) => void socket.close(() => resolve())),
    };
  },
};

class RawPeer implements RowPeer {
  readonly port: number;
  text = "";
  readonly #raw: RawSocket;
  readonly #remote: number;
  #bytes = 0;
  #open = true;

  constructor(raw: RawSocket) {
    this.#raw = raw;
    this.port = raw.port;
    this.#remote = raw.remotePort;
  }

  async read(): Promise<Ending> {
    let result = 1;
    await until("the end, at the kernel peer", () => {
      while (this.#open && result > 0) result = this.#take();
      const now = this.#open && result === -EAGAIN;
      if (now) result = 1;
      return !now;
    });
    return { bytes: this.#bytes, end: result < 0 || kernelState(this.port, this.#remote) === undefined ? "reset" : "fin" };
  }

  #take(): number {
    const { result, bytes } = this.#raw.receive();
    if (result > 0) {
      this.#bytes += result;
      if (this.text.length < TEXT_MAX) this.text += bytes.toString("latin1", 0, Math.min(result, TEXT_MAX));
    }
    return result;
  }

  send(data: Uint8Array | string): void {
    if (!this.#open) return;
    const bytes = Buffer.from(data);
    const sent = this.#raw.send(bytes);
    // What the kernel does not take at once follows as it makes room.
    if (sent === -EAGAIN || (sent >= 0 && sent < bytes.length)) setImmediate(() => this.send(bytes.subarray(Math.max(sent, 0))));
  }
  finish(): void {
    this.#raw.shutdown();
  }
  reset(): void {
    this.#open = false;
    this.#raw.reset();
  }
  close(): void {
    this.#open = false;
    this.#raw.close();
  }
}

const rawKind: PeerKind = {
  name: "raw kernel peer",
  async listen() {
    const listener = RawSocket.listen();
    return { port: listener.port, accept: async () => new RawPeer(await listener.accept()), close: async () => listener.close() };
  },
  connect: async (port) => new RawPeer(new RawSocket().connect(port)),
  async datagrams() {
    const raw = RawSocket.datagram();
    let count = 0;
    return {
      port: raw.port,
      received() {
        while (raw.recv() >= 0) count++;
        return count;
      },
      send: (text, port) => void raw.connect(port).send(Buffer.from(text)),
      close: async () => raw.close(),
    };
  },
};

export const PEER_KINDS: readonly PeerKind[] = [netKind, rawKind];
