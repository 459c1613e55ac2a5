/** The plain node:net programs at the other end. They know nothing of Lastack. */
import { once } from "node:events";
import * as net from "node:net";

export const HOST = "127.0.0.1";
export const MB = 1 << 20;
export const count = (n: number): string => n.toLocaleString("en");
export const ms = (n: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, n));

export interface PlainServer {
  readonly port: number;
  /** The oldest connection not taken yet, paused: its program has read nothing. */
  next(): Promise<net.Socket>;
  close(): void;
}

/** A server whose connections wait, unread, to be taken. */
export async function plainServer(): Promise<PlainServer> {
  const waiting: net.Socket[] = [];
  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => void waiting.push(socket));
  server.listen(0, HOST);
  await once(server, "listening");
  return {
    port: (server.address() as net.AddressInfo).port,
    async next() {
      while (waiting.length === 0) await once(server, "connection");
      return waiting.shift() as net.Socket;
    },
    close: () => void server.close(),
  };
}

export async function plainClient(port: number): Promise<net.Socket> {
  const socket = net.connect({ host: HOST, port, allowHalfOpen: true });
  await once(socket, "connect");
  return socket;
}

export interface Saw {
  readonly bytes: number;
  /** "a clean end" for a FIN, else the error's code. */
  readonly end: string;
  readonly text: string;
}

/** Reads to the end and says what a program sees. */
export function readAll(socket: net.Socket): Promise<Saw> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const done = (end: string): void => {
      const all = Buffer.concat(chunks);
      resolve({ bytes: all.length, end, text: all.length < 200 ? all.toString() : "" });
    };
    socket.on("data", (chunk: Buffer) => void chunks.push(chunk));
    socket.on("end", () => done("a clean end"));
    socket.on("error", (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
    socket.resume();
  });
}

/** For the claims an example makes about itself. */
export function claim(what: string, holds: boolean): void {
  if (holds) return;
  console.error(`this is not what happened: ${what}`);
  process.exitCode = 1;
}
