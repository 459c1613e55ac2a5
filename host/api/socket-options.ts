/** What the calls of a socket take and give. */

export interface WaitOptions {
  /** Stops the waiting: the promise is rejected with the signal's reason. */
  signal?: AbortSignal;
}

export interface CloseOptions extends WaitOptions {
  /**
   * Seconds (0 to 65535) within which everything has to be acknowledged, counted from the call; after that the connection is
   * reset and the report says `lingerExpired`. 0 resets at once and discards what was not delivered. Left out: delivery goes
   * on in the background for as long as the peer makes progress.
   */
  linger?: number;
}

export interface KeepAliveOptions {
  /** Idle time before the first probe, ms. Default: the stack's keepIdleMs. */
  idleMs?: number;
  /** Time between probes, ms. Default: the stack's keepIntervalMs. */
  intervalMs?: number;
}

export type ShutdownDirection = "send" | "receive" | "both";

/** A connection at this moment. */
export interface SocketInfo {
  /** TCP state by its name in RFC 9293. */
  readonly state: string;
  /** Bytes received in order and not read. */
  readonly unread: number;
  /** Bytes accepted by write and not acknowledged by the peer's stack. */
  readonly outstanding: number;
  /** Our FIN is acknowledged. */
  readonly finAcknowledged: boolean;
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

