/** send, recv and their kin: calls that wait until they are done. */
import { checkBytes } from "../api/check.ts";
import { WSAEMSGSIZE, WSAENOBUFS } from "../abi/errors.gen.ts";
import * as W from "../abi/winsock.gen.ts";
import type { SockAddr } from "./area.ts";
import { type SOCKET, WinsockCalls } from "./calls.ts";

/** Where a call stores a result. */
export interface Ref<T> {
  value: T;
}

interface Received {
  readonly count: number;
  /** MSG_PARTIAL or 0. */
  readonly flags: number;
}

export abstract class TransferCalls extends WinsockCalls {
  /**
   * Bytes sent. A blocking socket takes all of them; a nonblocking one takes at most what one call can carry, or nothing. On SOCK_SEQPACKET
   * they are one message, or with MSG_PARTIAL a part of one that the next send goes on with; 10040 if they are more than the host area has
   * room for (limits.hostArea).
   */
  async send(s: SOCKET, data: Uint8Array, flags = 0): Promise<number> {
    const bytes = checkBytes("data", data);
    if (bytes.length > this.area.room && this.#hasMessages(s)) return this.#sendMessage(s, bytes, flags);
    let done = 0;
    do {
      const part = bytes.subarray(done, done + this.area.room);
      const sent = await this.#sent((count) => this.spi.WSPSend(s, this.area.buffer(part.length, part), 1, count, flags, 0, 0, 0, this.errno));
      if (sent === -1) return done > 0 ? done : -1;
      done += sent;
    } while (done < bytes.length);
    return done;
  }
  /** A message in one piece, whatever else is sent meanwhile. */
  async #sendMessage(s: SOCKET, bytes: Uint8Array, flags: number): Promise<number> {
    const at = this.area.heap.take(8 + bytes.length);
    if (at === undefined) { this.error = WSAEMSGSIZE; return -1; }
    this.area.setWords(at, [bytes.length, at + 8]);
    this.host.core.memory.u8.set(bytes, at + 8);
    try {
      return await this.#sent((count) => this.spi.WSPSend(s, at, 1, count, flags, 0, 0, 0, this.errno));
    } finally {
      this.area.heap.give(at);
    }
  }
  /** Repeats a send until it need not wait; the count it stored at once, before any other call. */
  async #sent(call: (count: number) => number): Promise<number> {
    let sent = 0;
    const result = await this.blocking(() => {
      const answer = call(this.area.at("count"));
      sent = this.area.word("count");
      return answer;
    });
    return result === -1 ? -1 : sent;
  }
  #hasMessages(s: SOCKET): boolean {
    this.area.setWord("value", 0);
    this.area.setWord("length", 4);
    this.spi.WSPGetSockOpt(s, W.SOL_SOCKET, W.SO_TYPE, this.area.at("value"), this.area.at("length"), this.errno);
    return this.area.word("value") === W.SOCK_SEQPACKET;
  }
  /**
   * Bytes received into `bytes`; 0 at the end of a stream, SOCKET_ERROR with 10101 at the end of messages. A message (SOCK_SEQPACKET) that
   * goes on behind what `bytes` holds: SOCKET_ERROR with 10040, `bytes` filled, and the next receive goes on with it; WSARecv and WSARecvEx
   * tell the same by MSG_PARTIAL, and how much came.
   */
  async recv(s: SOCKET, bytes: Uint8Array, flags = 0): Promise<number> {
    return this.#counted(await this.receive(s, checkBytes("bytes", bytes), flags));
  }
  /** recv whose flags come back: MSG_PARTIAL where the message goes on. */
  async WSARecvEx(s: SOCKET, bytes: Uint8Array, flags: Ref<number>): Promise<number> {
    const got = await this.receive(s, checkBytes("bytes", bytes), flags.value);
    if (!got) return -1;
    flags.value = got.flags;
    return got.count;
  }
  /** Sends one datagram: its length. 10040 for more than 65507 bytes, 10055 for more than the host area has room for. */
  async sendto(s: SOCKET, data: Uint8Array, flags: number, to: SockAddr): Promise<number> {
    const bytes = checkBytes("data", data);
    if (bytes.length > this.area.room) { this.error = WSAENOBUFS; return -1; }
    return this.#sent((count) => this.spi.WSPSendTo(s, this.area.buffer(bytes.length, bytes), 1, count, flags, ...this.area.name(to), 0, 0, 0, this.errno));
  }
  /** Length of the oldest datagram, which is copied into `bytes`; its sender into `from`. One that is longer is cut: -1 with 10040. */
  async recvfrom(s: SOCKET, bytes: Uint8Array, flags = 0, from: SockAddr | null = null): Promise<number> {
    const got = await this.#once(checkBytes("bytes", bytes), (buffer) => {
      this.area.setWord("flags", flags);
      const result = this.spi.WSPRecvFrom(s, buffer, 1, this.area.at("count"), this.area.at("flags"), ...this.area.nameRoom(), 0, 0, 0, this.errno);
      if (result !== -1 && from) this.area.readName(from);
      return result;
    });
    return this.#counted(got);
  }
  /** The answer of functions whose flags do not come back. */
  #counted(got: Received | undefined): number {
    if (!got) return -1;
    if (got.flags & W.MSG_PARTIAL) { this.error = WSAEMSGSIZE; return -1; }
    return got.count;
  }

  /** One receive; undefined with the last error set. A message is received on while one call's room is what cut it. @internal */
  protected async receive(s: SOCKET, bytes: Uint8Array, flags: number): Promise<Received | undefined> {
    let count = 0;
    for (;;) {
      const got = await this.#once(bytes.subarray(count), (buffer) => {
        this.area.setWord("flags", flags);
        return this.spi.WSPRecv(s, buffer, 1, this.area.at("count"), this.area.at("flags"), 0, 0, 0, this.errno);
      });
      // What came before the error is a part of the message; the next receive tells why there is no more.
      if (!got) return count > 0 ? { count, flags: W.MSG_PARTIAL } : undefined;
      count += got.count;
      if (!(got.flags & W.MSG_PARTIAL) || flags & W.MSG_PEEK || got.count < this.area.room || count === bytes.length) return { count, flags: got.flags };
    }
  }
  async #once(bytes: Uint8Array, call: (buffer: number) => number): Promise<Received | undefined> {
    const room = Math.min(bytes.length, this.area.room);
    let got: Received = { count: 0, flags: 0 };
    const result = await this.blocking(() => {
      const answer = call(this.area.buffer(room));
      got = { count: Math.min(this.area.word("count"), room), flags: this.area.word("flags") & W.MSG_PARTIAL };
      if (answer !== -1) this.area.copyOut(bytes, got.count);
      return answer;
    });
    return result === -1 ? undefined : got;
  }
}
