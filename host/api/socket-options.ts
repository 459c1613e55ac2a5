/** What the calls of a socket take and give. */
import { UTO_CHANGEABLE, UTO_ENABLED } from "../abi/sockets.gen.ts";
import { SD_BOTH, SD_RECEIVE, SD_SEND } from "../abi/winsock.gen.ts";
import { checkBoolean, checkInteger, checkOptions, checkSignal, checkTime, wrongType } from "./check.ts";

declare global {
  /** Programs compiled without lib.esnext.disposable have `await using`'s symbol too; where that is there, the declarations merge. */
  interface SymbolConstructor {
    readonly asyncDispose: unique symbol;
  }
}

/** Options of every call that waits. */
export interface WaitOptions {
  /** Stops the waiting: the promise is rejected with the signal's reason. */
  signal?: AbortSignal;
}

/** How `Socket.close` closes. */
export interface CloseOptions extends WaitOptions {
  /**
   * Seconds (0 to 65535) within which everything has to be acknowledged, counted from the call; after that the connection is
   * reset and the report says `lingerExpired`. 0 resets at once and discards what was not delivered. Left out: delivery goes
   * on in the background for as long as the peer makes progress.
   */
  linger?: number;
  /**
   * What the peer still sends is read and thrown away, up to these bounds, instead of resetting the connection: unread data
   * and data that arrives after the close. true = 65536 bytes, 2000 ms. Beyond the bounds the connection is reset. Default: off.
   */
  drain?: boolean | DrainOptions;
}

/** Bounds of what is thrown away after the close. */
export interface DrainOptions {
  /** 1 to 4294967295; default 65536. */
  bytes?: number;
  /** Counted from the close call; default 2000. */
  ms?: number;
}

const DRAIN_BYTES = 65536;
const DRAIN_MS = 2000;

/** Bounds of a drain, undefined for none. */
export function checkDrain(drain: boolean | DrainOptions | undefined): Required<DrainOptions> | undefined {
  if (drain === undefined || drain === false) return undefined;
  if (drain !== true && typeof drain !== "object") throw wrongType("drain", drain, "true, false or an object");
  const { bytes = DRAIN_BYTES, ms = DRAIN_MS } = drain === true ? {} : checkOptions("drain", drain, ["bytes", "ms"]);
  return { bytes: checkInteger("drain.bytes", bytes, 1, 0xffff_ffff), ms: checkTime("drain.ms", ms, 1) };
}

/** Times of `Socket.setKeepAlive`, 1 to 1073741823 ms. */
export interface KeepAliveOptions {
  /** Idle time before the first probe, ms. Default: the stack's keepIdleMs. */
  idleMs?: number;
  /** Time between probes, ms. Default: the stack's keepIntervalMs. */
  intervalMs?: number;
}

/** What `Socket.setUserTimeoutOption` sets (RFC 5482 §3.1). */
export interface UserTimeoutOption {
  /** Our user timeout is told to the peer, and its own is heard. */
  enabled: boolean;
  /** What the peer tells may lengthen ours. Default true. */
  changeable?: boolean;
}

/** UTO_x bits. */
export function userTimeoutBits(options: UserTimeoutOption): number {
  const { enabled, changeable = true } = checkOptions("options", options, ["enabled", "changeable"]);
  return (checkBoolean("options.enabled", enabled) ? UTO_ENABLED : 0) | (checkBoolean("options.changeable", changeable) ? UTO_CHANGEABLE : 0);
}

/** What `Socket.setPacketOptions` sets. */
export interface PacketOptions {
  /** Time to live, 1 to 255. */
  ttl?: number;
  /** Differentiated Services field, 0 to 252. */
  diffServ?: number;
}

/** A soft error of a connection. */
export interface Trouble {
  /** `EHOSTUNREACH` or `ENETUNREACH` if a router said so, `ETIMEDOUT` while segments stay unanswered. */
  readonly code: string;
  /** Winsock error number. */
  readonly wsa: number;
  /** Retransmission timeouts since something was acknowledged last. */
  readonly timeouts: number;
}

/** Which direction ends: ours, the peer's, or both. */
export type ShutdownDirection = "send" | "receive" | "both";
export const HOW: Readonly<Record<ShutdownDirection, number>> = { send: SD_SEND, receive: SD_RECEIVE, both: SD_BOTH };

/** Bytes of one read that names no maximum, and the largest there is. */
export const READ_DEFAULT = 65536;
export const READ_MAX = 2 ** 30;
/** SO_LINGER holds 16 bits of seconds (semantics K.5). */
export const LINGER_MAX = 65535;
/** The longest times that SIO_KEEPALIVE_VALS takes here (12.4 days). */
export const KEEP_ALIVE_MAX_MS = 2 ** 30 - 1;
/** TCP_MAXRT's longest time: a week. */
export const USER_TIMEOUT_MAX_MS = 604_800_000;

/**
 * A connection at this moment. On a host socket the windows, `bytesInFlight`, `mss` and `rttMs` are the system's and not known here: 0.
 */
export interface SocketInfo {
  /** TCP state by its name in RFC 9293. */
  readonly state: string;
  /** Bytes received in order and not read. */
  readonly unread: number;
  /** Bytes accepted by write and not acknowledged by the peer's stack; null on a host socket that cannot tell. */
  readonly outstanding: number | null;
  /** Our FIN is acknowledged; null on a host socket that cannot tell. */
  readonly finAcknowledged: boolean | null;
  /** CAPABILITY_x bits of what is known and possible here (docs/closing.md); all of them on the stack's own TCP. */
  readonly capabilities: number;
  /** SO_SNDBUF and SO_RCVBUF, bytes. */
  readonly sendBuffer: number;
  readonly receiveBuffer: number;
  /** Bytes accepted by write, and received in order, since the connection began. */
  readonly bytesOut: number;
  readonly bytesIn: number;
  /** Sent and not acknowledged, bytes of sequence space. */
  readonly bytesInFlight: number;
  /** Congestion window, and the windows that the peer and we offer, bytes. */
  readonly congestionWindow: number;
  readonly sendWindow: number;
  readonly receiveWindow: number;
  /** Largest segment sent, bytes of payload. */
  readonly mss: number;
  /** Smoothed round trip, ms; 0 before the first measurement. */
  readonly rttMs: number;
  /** Since the handshake, ms. */
  readonly connectedMs: number;
}

/** The stack's knobs that its sockets need: how long a closed socket whose writes wait may stand still, and keep-alive's times. */
export interface CloseKnobs {
  readonly orphanTimeoutMs: number;
  readonly keepIdleMs: number;
  readonly keepIntervalMs: number;
}


/** An option's value, null for the -1 of a host socket that cannot tell (getOption gives unsigned numbers). */
export const orUnknown = (value: number): number | null => ((value | 0) === -1 ? null : value);
export const isKnownTrue = (value: number): boolean | null => ((value | 0) === -1 ? null : value !== 0);

/** What a call without options gets; known by identity. */
export const NO_OPTIONS: WaitOptions = Object.freeze({});

export function waitSignal(options: WaitOptions): AbortSignal | undefined {
  if (options === NO_OPTIONS) return undefined;
  return checkSignal("signal", checkOptions("options", options, ["signal"]).signal);
}
