/** What a run knows while a script is executed: descriptors, flows, mode, and what it will report. */
import type { Winsock } from "./winsock.ts";
import type { World } from "./world.ts";
import { Flow } from "./flow.ts";

export type Mode = "strict" | "neutral";

export interface Descriptor {
  fd: number;
  handle: number;
  protocol: "tcp" | "udp";
  flow: Flow | null;
  bindPort: number | null;
  nonblocking: boolean;
  listening: boolean;
  sendShut: boolean;
  recvShut: boolean;
  lingerOn: boolean;
  lingerSeconds: number;
  receiveTimeout: boolean;
  /** Bytes of the stream handed to the core, and taken from it. */
  sent: number;
  received: number;
  /** A call on it has failed with a reset or an abort. */
  failed: number;
}

export interface Addresses {
  localIp: string;
  remoteIp: string;
  bindPort: number;
  connectPort: number;
}

/** The script asserts what a row of chapter P says Windows does otherwise. */
export class Differs extends Error {
  readonly row: string;
  constructor(row: string) {
    super(row);
    this.row = row;
  }
}

/** The script needs what the core or this runner does not have. */
export class Unsupported extends Error {
  readonly feature: string;
  constructor(feature: string) {
    super(feature);
    this.feature = feature;
  }
}

/** The core did something other than the script says. */
export class Failure extends Error {
  readonly expected: string | null;
  readonly seen: readonly string[];
  constructor(reason: string, expected: string | null = null, seen: readonly string[] = []) {
    super(reason);
    this.expected = expected;
    this.seen = seen;
  }
}

/** First port of peers that connect to a listener. */
const FIRST_PEER_PORT = 40001;

export class RunState {
  readonly world: World;
  readonly winsock: Winsock;
  readonly mode: Mode;
  readonly addresses: Addresses;
  readonly fds = new Map<number, Descriptor>();
  /** Handles by the descriptor that was closed last under that number. */
  readonly closed = new Map<number, Descriptor>();
  readonly flows: Flow[] = [];
  /** The connection that packets without ports belong to. */
  current: Flow | null = null;
  readonly relaxations = new Map<string, number>();
  readonly differs = new Set<string>();
  readonly notes = new Set<string>();
  readonly remoteShift: number;
  #nextPort = FIRST_PEER_PORT;

  constructor(world: World, winsock: Winsock, mode: Mode, addresses: Addresses, remoteShift: number) {
    this.world = world;
    this.winsock = winsock;
    this.mode = mode;
    this.addresses = addresses;
    this.remoteShift = remoteShift;
  }

  relax(name: string): void {
    this.relaxations.set(name, (this.relaxations.get(name) ?? 0) + 1);
  }

  /** A new connection under test, which packets belong to from now on. */
  openFlow(localPort: number | null, remotePort: number | null): Flow {
    const flow = new Flow(localPort, remotePort ?? this.#nextPort++, this.remoteShift);
    this.flows.push(flow);
    this.current = flow;
    return flow;
  }

  /** The flow of packets without ports; a script that opened nothing talks to the bind port. */
  currentFlow(): Flow {
    return this.current ?? this.openFlow(this.addresses.bindPort, null);
  }

  /** The flow of packets that write their ports (from the core's side), opened at its first packet. */
  flowOfPorts(local: number, remote: number): Flow {
    const known = this.flows.find((f) => f.scriptPorts?.local === local && f.scriptPorts.remote === remote);
    if (known) return known;
    // An active open does not know its local port yet: the first packet written with ports names it.
    const open = this.flows.find((f) => f.scriptPorts === null && f.remotePort === remote && (f.localPort === null || f.localPort === local));
    const flow = open ?? this.openFlow(local, remote);
    flow.scriptPorts = { local, remote };
    return flow;
  }
}
